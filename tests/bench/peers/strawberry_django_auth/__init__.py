"""strawberry-django-auth (the package `gqlauth`), with Strawberry."""
