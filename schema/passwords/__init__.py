"""Registration, sign-in with a password, and changing it."""
