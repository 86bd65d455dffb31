"""`mostread dead-letters`: what could not be counted, looked at, mended and sent again."""
