"""The way of an event as a whole, looked at from outside: for `mostread doctor` and `status`."""
