"""`mostread status`: the state of all parts of the system on one screen."""
