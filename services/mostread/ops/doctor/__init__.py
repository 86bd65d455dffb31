"""`mostread doctor`: runs checks against a system, and reports problems with advice.

Each check is a function in `checks/`, listed in `checks/__init__.py`.
"""
