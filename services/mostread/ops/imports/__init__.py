"""`mostread import`: lifetime totals of an earlier system."""
