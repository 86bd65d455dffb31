"""`mostread dead-letters`: list dead letters, and replay corrected ones."""
