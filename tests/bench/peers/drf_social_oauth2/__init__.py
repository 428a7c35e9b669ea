"""drf-social-oauth2: django-oauth-toolkit with Django REST Framework."""
