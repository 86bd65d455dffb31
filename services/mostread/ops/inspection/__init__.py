"""Read-only access to a running system, for `mostread doctor` and `mostread status`."""
