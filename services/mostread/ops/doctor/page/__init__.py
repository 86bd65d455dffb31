"""`mostread doctor --page`: what the tracker would count on a page, and why not."""
