"""Prove again who one is, before sensitive changes."""
