"""`mostread import-totals`, and storage of imports for it and `mostread import-logs`."""
