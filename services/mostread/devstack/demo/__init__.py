"""`mostread demo`: ten articles of a city paper with known numbers, and a check of the list."""
