"""`mostread rebuild`: recounts the log into new tables, which then replace those in use."""
