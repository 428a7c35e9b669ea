"""Registration, sign-in with a password, changing it, and what a mail does: choosing another, securing the account."""
