"""`mostread status`: the way of an event at a glance, part by part, in one screen."""
