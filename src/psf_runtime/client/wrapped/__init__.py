"""What stands between an SDK client and its server once `wrap()` has put us there."""
