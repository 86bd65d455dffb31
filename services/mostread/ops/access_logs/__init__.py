"""`mostread import-logs`: historical views from web server access logs."""
