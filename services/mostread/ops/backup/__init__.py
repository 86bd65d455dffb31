"""`mostread backup` and `restore`: the tables in a folder, and back."""
