"""Bearer tokens, their roles, and the file that holds them."""
