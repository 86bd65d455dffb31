"""`mostread notify`: alerts and digests for editors, by mail and chat."""
