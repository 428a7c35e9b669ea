"""Accounts and public profiles."""
