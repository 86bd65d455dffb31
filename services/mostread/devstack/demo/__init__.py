"""`mostread demo`: ten articles of a city newspaper with known counts, and a check of the list."""
