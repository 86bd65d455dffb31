"""Domain rules without I/O: events, counting, ranking and editorial decisions."""
