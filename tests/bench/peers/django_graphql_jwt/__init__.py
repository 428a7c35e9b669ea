"""django-graphql-jwt, with Graphene."""
