"""The adapter to social-core, which runs the pipeline from verified claims to an account."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from social_core.backends.base import BaseAuth
from social_core.strategy import BaseStrategy
from social_django.models import DjangoStorage

from accounts.social.claims import Claims

PIPELINE = [
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "social_core.pipeline.social_auth.social_user",
    "accounts.social.sign_up.create_account",
    "social_core.pipeline.social_auth.associate_user",
]
"""Not `associate_by_email` (S31), and not `load_extra_data`, which stores the provider's tokens (S15)."""


class StatelessStrategy(BaseStrategy[object]):
    """social-core with Django's settings and models, but without an HTTP request and without a session."""

    def __init__(self) -> None:
        super().__init__(DjangoStorage)

    def get_setting(self, name: str) -> Any:
        """Read Django's settings."""
        return getattr(settings, name)

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - social-core's signature
        """Nothing: the back end gets its input as arguments."""
        return {}

    def build_absolute_uri(self, path: str | None = None) -> str:
        """Unchanged: clients send full redirect URIs."""
        return path or ""


class PipelineBackend(BaseAuth[object]):
    """A provider as social-core sees it. It runs the pipeline on claims that are verified, and asks nobody."""

    ID_KEY = "sub"

    def __init__(self, provider: str) -> None:
        self.name = provider
        super().__init__(StatelessStrategy())

    def run(self, claims: Claims, **context: Any) -> object:
        """Run the pipeline; return its final context, or the first result of a step that is no dict."""
        # Never for a signed-in user: the pipeline would link the identity to them (S25).
        return self.run_pipeline(PIPELINE, response=asdict(claims), user=None, **context)

    def allows(self, claims: Claims) -> bool:
        """Whether social-core's lists of addresses and domains allow the person."""
        response = asdict(claims)
        return self.auth_allowed(response, self.get_user_details(response))

    # The identity is (provider, sub), whatever the settings of social-core say (S31).

    def id_key(self) -> str:
        """Never the e-mail address."""
        return self.ID_KEY

    def get_user_id(self, details: dict[str, Any], response: dict[str, Any]) -> str:
        """The subject."""
        subject: str = response["sub"]
        return subject

    def get_legacy_user_identifiers(self, details: Any, response: Any) -> list[tuple[str, str]]:
        """None: social-core would look for Google's people by their address."""
        return []

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        """The claims, under Django's names."""
        return {
            "email": response["email"],
            "email_verified": response["email_verified"],
            "first_name": response["given_name"],
            "last_name": response["family_name"],
        }

    def auth_allowed(self, response: dict[str, Any], details: dict[str, Any]) -> bool:
        """Apply social-core's lists of addresses and domains to verified addresses only (S32)."""
        return super().auth_allowed(response, details if details["email_verified"] else {**details, "email": ""})

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Disabled: social-core's own requests have no limit on total time or size."""
        raise NotImplementedError("Providers are asked by Exchange.")
