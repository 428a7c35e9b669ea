"""OAuth clients, sessions and bearer tokens, on django-oauth-toolkit's models. The face is `api`."""
