"""`mostread plan`: capacity planning from measured costs."""
