"""Sign in with a mailed code or link."""
