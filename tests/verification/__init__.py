"""Confirmation of addresses."""
