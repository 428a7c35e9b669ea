"""Steps between a first credential and the tokens."""
