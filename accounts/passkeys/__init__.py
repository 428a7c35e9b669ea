"""Passkeys: add, rename and remove them, and sign in with one."""
