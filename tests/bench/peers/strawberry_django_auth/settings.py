"""As its documentation says, without captcha; whoever has not verified the address may sign in, as with us."""

from datetime import timedelta

from gqlauth.settings_type import GqlAuthSettings

from tests.bench.peers.settings import *  # noqa: F403
from tests.bench.peers.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS += ["django.contrib.sites", "strawberry_django", "gqlauth"]
SITE_ID = 1
MIDDLEWARE += ["gqlauth.core.middlewares.django_jwt_middleware"]
ROOT_URLCONF = "tests.bench.peers.strawberry_django_auth.urls"
GQL_AUTH = GqlAuthSettings(
    LOGIN_REQUIRE_CAPTCHA=False,
    REGISTER_REQUIRE_CAPTCHA=False,
    ALLOW_LOGIN_NOT_VERIFIED=True,
    # By default 5 minutes, and the bench keeps its access tokens for longer.
    JWT_EXPIRATION_DELTA=timedelta(hours=1),
)
