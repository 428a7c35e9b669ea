"""A local server that stands in for the providers. The providers themselves are never contacted."""
