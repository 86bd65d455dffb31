"""`mostread replay`: the readers of before, from the access logs of a web server."""
