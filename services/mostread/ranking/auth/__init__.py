"""Who sends a request: signed in by a token, a session, the company's proxy or a link."""
