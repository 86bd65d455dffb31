"""`mostread forget`: deletes a site or an article, with its numbers, by records in the topics."""
