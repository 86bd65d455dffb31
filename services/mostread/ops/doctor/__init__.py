"""`mostread doctor`: looks at every part, and says what is wrong and what to do.

Each check is a function in `checks/`, and stands in the list of `checks/__init__.py`.
"""
