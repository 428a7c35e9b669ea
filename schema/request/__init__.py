"""What a resolver may know of the request."""
