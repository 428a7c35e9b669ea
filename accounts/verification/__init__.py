"""Confirmation of e-mail addresses, and registrations that wait for it."""
