"""What every dialect's codec needs: reading and writing JSON within bounds, and errors that hold no content."""
