"""What GraphQL documents may do, and the types that every room uses."""
