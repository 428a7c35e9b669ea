"""The providers that the environment switches on, in the order to show them."""

import re
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

from accounts.conf import AppleProvider, Endpoints, Provider

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""It is stored with each identity, stands in names of variables, and is typed by front ends."""
GRAPH = "https://graph.facebook.com/v24.0"


def configured(env: Any) -> tuple[Provider, ...]:
    """Each that has its client ids. Raises ImproperlyConfigured for an OpenID provider that lacks what it needs."""
    known = (_google(env), _apple(env), _facebook(env), _microsoft(env), _github(env))
    others = tuple(_openid(env, name) for name in env.list("OPENID_PROVIDERS", default=[]))
    providers = tuple(provider for provider in known if provider and any(provider.client_ids)) + others
    for provider in others:
        if not NAME.fullmatch(provider.name):
            raise ImproperlyConfigured("OPENID_PROVIDERS: names are a-z, 0-9 and `-`, 32 at most.")
    names = [name for provider in providers for name in (provider.name, *provider.aliases)]
    if len(names) != len(set(names)):
        raise ImproperlyConfigured("OPENID_PROVIDERS names a provider twice, or one that has settings of its own.")
    return providers


def _google(env: Any) -> Provider:
    return Provider(
        name="google-oauth2",
        aliases=("google",),
        label="Google",
        backend="accounts.social.Google",
        client_ids=tuple(env.list("GOOGLE_CLIENT_IDS", default=[])),
        client_secret=env.str("GOOGLE_CLIENT_SECRET", default=""),
        scopes=tuple(env.list("GOOGLE_SCOPES", default=["openid", "email", "profile"])),
        issuer=env.str("GOOGLE_ISSUER", default="https://accounts.google.com"),
        nonce_required=env.bool("GOOGLE_NONCE_REQUIRED", default=True),
        endpoints=Endpoints(
            tokeninfo=env.str("GOOGLE_TOKENINFO_URL", default="https://oauth2.googleapis.com/tokeninfo"),
            userinfo=env.str("GOOGLE_USERINFO_URL", default="https://openidconnect.googleapis.com/v1/userinfo"),
        ),
    )


def _apple(env: Any) -> Provider:
    private_key = env.str("APPLE_PRIVATE_KEY", default="", multiline=True)
    if private_key:
        try:
            load_pem_private_key(private_key.encode(), None)
        except (ValueError, TypeError):
            raise ImproperlyConfigured("APPLE_PRIVATE_KEY is not the text of a .p8 file.") from None
    return AppleProvider(
        name="apple-id",
        aliases=("apple",),
        label="Apple",
        backend="accounts.social.Apple",
        client_ids=tuple(env.list("APPLE_CLIENT_IDS", default=[])),
        team_id=env.str("APPLE_TEAM_ID", default=""),
        key_id=env.str("APPLE_KEY_ID", default=""),
        private_key=private_key,
        scopes=("openid", "name", "email"),
        issuer=env.str("APPLE_ISSUER", default="https://appleid.apple.com"),
        nonce_required=env.bool("APPLE_NONCE_REQUIRED", default=True),
    )


def _facebook(env: Any) -> Provider | None:
    secret, graph = env.str("FACEBOOK_APP_SECRET", default=""), env.str("FACEBOOK_GRAPH_URL", default=GRAPH)
    provider = Provider(
        name="facebook",
        label="Facebook",
        backend="accounts.social.Facebook",
        client_ids=(env.str("FACEBOOK_APP_ID", default=""),),
        client_secret=secret,
        scopes=tuple(env.list("FACEBOOK_SCOPES", default=["email", "public_profile"])),
        issuer=env.str("FACEBOOK_ISSUER", default="https://www.facebook.com"),
        nonce_required=env.bool("FACEBOOK_NONCE_REQUIRED", default=True),
        endpoints=Endpoints(
            authorization=env.str("FACEBOOK_DIALOG_URL", default="https://www.facebook.com/v24.0/dialog/oauth"),
            token=f"{graph}/oauth/access_token",
            api=graph,
        ),
    )
    # Whom an access token is for, Facebook tells only to who shows the secret.
    return provider if secret else None


def _microsoft(env: Any) -> Provider:
    return Provider(
        name="microsoft",
        label="Microsoft",
        backend="accounts.social.Microsoft",
        client_ids=tuple(env.list("MICROSOFT_CLIENT_IDS", default=[])),
        client_secret=env.str("MICROSOFT_CLIENT_SECRET", default=""),
        scopes=tuple(env.list("MICROSOFT_SCOPES", default=["openid", "email", "profile"])),
        issuer=env.str("MICROSOFT_ISSUER", default="https://login.microsoftonline.com/common/v2.0"),
        nonce_required=env.bool("MICROSOFT_NONCE_REQUIRED", default=True),
    )


def _github(env: Any) -> Provider | None:
    secret, site = env.str("GITHUB_CLIENT_SECRET", default=""), env.str("GITHUB_URL", default="https://github.com")
    provider = Provider(
        name="github",
        label="GitHub",
        backend="accounts.social.GitHub",
        client_ids=(env.str("GITHUB_CLIENT_ID", default=""),),
        client_secret=secret,
        scopes=tuple(env.list("GITHUB_SCOPES", default=["read:user", "user:email"])),
        nonce_required=False,
        endpoints=Endpoints(
            authorization=f"{site}/login/oauth/authorize",
            token=f"{site}/login/oauth/access_token",
            api=env.str("GITHUB_API_URL", default="https://api.github.com"),
        ),
    )
    # Whom an access token is for, GitHub tells only to who shows the secret.
    return provider if secret else None


def _openid(env: Any, name: str) -> Provider:
    """Any OpenID provider, by its discovery document: `OPENID_<NAME>_…`."""
    prefix = f"OPENID_{name.upper().replace('-', '_')}_"
    issuer, client_ids = env.str(f"{prefix}ISSUER", default=""), env.list(f"{prefix}CLIENT_IDS", default=[])
    if not (issuer and client_ids):
        raise ImproperlyConfigured(f"{name} is among OPENID_PROVIDERS: set {prefix}ISSUER and {prefix}CLIENT_IDS.")
    return Provider(
        name=name,
        label=env.str(f"{prefix}LABEL", default=name.title()),
        client_ids=tuple(client_ids),
        client_secret=env.str(f"{prefix}CLIENT_SECRET", default=""),
        token_auth_method=env.str(f"{prefix}TOKEN_AUTH_METHOD", default="client_secret_basic"),
        scopes=tuple(env.list(f"{prefix}SCOPES", default=["openid", "email", "profile"])),
        issuer=issuer,
        nonce_required=env.bool(f"{prefix}NONCE_REQUIRED", default=True),
        introspection=env.bool(f"{prefix}INTROSPECTION", default=False),
    )
