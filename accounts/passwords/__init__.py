"""Registration and sign-in with a password."""
