"""`mostread backup` and `mostread restore`."""
