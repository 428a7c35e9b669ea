"""Registration, sign-in with a password, changing and resetting it, and securing an account."""
