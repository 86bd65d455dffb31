"""mostread: an engagement counter that a publisher can trust."""
