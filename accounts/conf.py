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
class Endpoints:
    """Where a provider answers. Where it publishes a discovery document, what is empty here is read there."""

    authorization: str = ""
    token: str = ""
    jwks: str = ""
    userinfo: str = ""
    introspection: str = ""
    tokeninfo: str = ""
    """Google's: for whom an access token is."""
    api: str = ""
    """The root of Facebook's Graph API and of GitHub's REST API."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider that is switched on: how we are known to it, and where it answers.

    All of it is settings, so that any OpenID provider can be added, and a local one can stand in for a real one.
    """

    name: str
    """What clients send as `provider`, and half of the identity: never change it."""
    label: str
    backend: str = "accounts.social.OpenIDConnect"
    """The class that knows this provider's ways."""
    aliases: tuple[str, ...] = ()
    client_ids: tuple[str, ...]
    """Ours, of every platform. The first is the one whose redirect URIs are web pages, and whose secret we have."""
    client_secret: str = field(default="", repr=False)
    token_auth_method: str = "client_secret_post"  # noqa: S105 - a method
    """How we authenticate to the provider (OpenID Connect Core §9): so, or with `client_secret_basic`."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    issuer: str = ""
    """Of its ID tokens, exactly. Its discovery document is below it."""
    nonce_required: bool = True
    """Whether an ID token that a client presents has to carry a nonce of ours."""
    introspection: bool = False
    """Whether an access token may be presented: the provider is then asked whom it is for (RFC 7662)."""
    endpoints: Endpoints = field(default_factory=Endpoints)


@dataclass(frozen=True, kw_only=True)
class AppleProvider(Provider):
    """Apple, whose secret is a key that one signs with."""

    team_id: str = ""
    key_id: str = ""
    private_key: str = field(default="", repr=False)
    """PEM: the .p8 file that Apple gave."""


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

    providers: tuple[Provider, ...] = ()
    """In the order to show them."""
    private_providers: bool = False
    """Whether providers may be asked without TLS and at private addresses: in development, and in closed networks."""
    jwks_refetch_interval: int = 60
    """At most so often is a provider asked for its keys because of a key id that it has not published."""
    id_token_max_age: int = 10 * 60
    """Of an ID token, since it was issued."""
    social_flow_lifetime: int = 30 * 60
    """From `createSocialAuthUrl` or `createSocialNonce` to the credential."""
    challenge_lifetime: int = 15 * 60
    challenge_attempts: int = 10
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
