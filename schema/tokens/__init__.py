"""Clients, tokens, and their delivery."""
