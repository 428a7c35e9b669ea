"""Accounts: their data, their names, and who may see them."""
