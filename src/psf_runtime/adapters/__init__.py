"""Third-party libraries, each behind one of our ports."""
