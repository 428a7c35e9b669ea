"""As its documentation says, with long running refresh tokens and tokens that expire."""

from datetime import timedelta

from tests.bench.peers.settings import *  # noqa: F403
from tests.bench.peers.settings import INSTALLED_APPS

INSTALLED_APPS += ["graphene_django", "graphql_jwt.refresh_token.apps.RefreshTokenConfig"]
ROOT_URLCONF = "tests.bench.peers.django_graphql_jwt.urls"
GRAPHENE = {
    "SCHEMA": "tests.bench.peers.django_graphql_jwt.urls.schema",
    "MIDDLEWARE": ["graphql_jwt.middleware.JSONWebTokenMiddleware"],
}
GRAPHQL_JWT = {
    "JWT_VERIFY_EXPIRATION": True,
    "JWT_LONG_RUNNING_REFRESH_TOKEN": True,
    # By default 5 minutes, and the bench keeps its access tokens for longer.
    "JWT_EXPIRATION_DELTA": timedelta(hours=1),
}
AUTHENTICATION_BACKENDS = [
    "graphql_jwt.backends.JSONWebTokenBackend",
    "django.contrib.auth.backends.ModelBackend",
]
