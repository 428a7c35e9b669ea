"""Challenges: further steps of a sign-in between the first credential and the tokens."""
