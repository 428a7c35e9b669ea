"""As its documentation says. The tokens' settings are django-oauth-toolkit's defaults: refresh tokens rotate."""

from tests.bench.peers.settings import *  # noqa: F403
from tests.bench.peers.settings import INSTALLED_APPS, TEMPLATES

INSTALLED_APPS += ["rest_framework", "oauth2_provider", "social_django", "drf_social_oauth2"]
ROOT_URLCONF = "tests.bench.peers.drf_social_oauth2.urls"
TEMPLATES[0]["OPTIONS"]["context_processors"] += [
    "social_django.context_processors.backends",
    "social_django.context_processors.login_redirect",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": (
        "oauth2_provider.contrib.rest_framework.OAuth2Authentication",
        "drf_social_oauth2.authentication.SocialAuthentication",
    ),
}
AUTHENTICATION_BACKENDS = (
    "drf_social_oauth2.backends.DjangoOAuth2",
    "django.contrib.auth.backends.ModelBackend",
)
