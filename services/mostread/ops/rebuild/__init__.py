"""`mostread rebuild`: the log counted anew, into tables that then take the place of the old."""
