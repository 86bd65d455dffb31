"""One event a minute that shows how long the whole way takes, from POST to list."""
