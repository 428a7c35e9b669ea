"""Latchkey's own settings as one typed, frozen value: `settings.LATCHKEY`."""

from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings


class Visibility(StrEnum):
    """Who may read the public profiles."""

    PUBLIC = "public"
    AUTHENTICATED = "authenticated"
    STAFF = "staff"


@dataclass(frozen=True, kw_only=True)
class ProviderEndpoints:
    """Where the providers answer. Settings, so that a local provider can stand in for the real one."""

    google_tokeninfo: str = "https://oauth2.googleapis.com/tokeninfo"
    google_userinfo: str = "https://openidconnect.googleapis.com/v1/userinfo"
    facebook_graph: str = "https://graph.facebook.com/v24.0"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a GraphQL document may weigh. Room for GraphiQL's introspection, and several times what pages need."""

    depth: int = 16
    fields: int = 500
    """With fragments written out, as are the aliases."""
    aliases: int = 30
    directives: int = 50
    tokens: int = 4000
    cost: int = 5000
    """Fields, those in a list once for each row that the page can have."""
    query_bytes: int = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Latchkey:
    """What a deployment may decide. Durations are in seconds."""

    development: bool = False
    """Helpful answers for developers."""
    graphiql: bool = False
    """Whether browsers are given GraphiQL at the endpoint. It needs introspection."""
    introspection: bool = False
    """Whether the schema can be read from the service."""

    default_client_id: str = "web"
    """The first-party client that is meant when a call names none."""
    default_client_name: str = "Web"
    default_client_redirect_uris: tuple[str, ...] = ()

    access_token_lifetime: int = 15 * 60
    access_token_jitter: int = 60
    """Lifetimes are shortened at random by up to this much, so that clients do not all refresh at once."""
    refresh_token_idle_lifetime: int = 14 * 24 * 3600
    refresh_token_grace: int = 10
    session_lifetime: int = 90 * 24 * 3600
    """However often it is refreshed, a session ends this long after it began."""

    password_min_length: int = 12
    password_max_bytes: int = 1024
    argon2_time_cost: int = 2
    argon2_memory_cost: int = 19 * 1024
    """In KiB. Defaults: OWASP Password Storage cheat sheet."""
    argon2_parallelism: int = 1

    users_visibility: Visibility = Visibility.PUBLIC
    public_names: bool = True
    """Whether given and family names are part of the public profile."""

    google_client_ids: tuple[str, ...] = ()
    facebook_app_id: str = ""
    facebook_app_secret: str = ""
    provider_endpoints: ProviderEndpoints = field(default_factory=ProviderEndpoints)
    provider_timeout: float = 5.0
    """For everything that one sign-in asks of a provider, together."""
    provider_max_bytes: int = 256 * 1024

    max_body_bytes: int = 128 * 1024
    trusted_documents: str = ""
    """The path of a manifest: nothing but its operations runs."""
    limits: Limits = field(default_factory=Limits)


def latchkey() -> Latchkey:
    """The settings in force."""
    own: Latchkey = settings.LATCHKEY
    return own
