"""The providers that the environment enables. Each class declares the settings of one."""

import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

from accounts.conf import SIGNATURES, AppleProvider, Endpoints, Provider, setting
from project.environment import Environment, each, matching, web_address

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""It is stored with each identity, is part of variables, and is typed by front ends."""

SECRET = "Secret of the first client ID. Enables authorization codes."  # noqa: S105 - a description
SCOPES = "Scopes to request."
NONCE = "Require a nonce of `createSocialNonce` in ID tokens."
ISSUER, ENDPOINT = "Issuer of its ID tokens. Tests change it.", "Endpoint. Tests change it."


class SecretMethod(StrEnum):
    """How to authenticate to a token endpoint (OpenID Connect Core §9)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


@dataclass(frozen=True, kw_only=True)
class File:
    """Where else the settings of providers come from."""

    path: str = setting(
        "PROVIDERS_FILE",
        "A [TOML file](programs.md#providers) whose tables stand for the variables of providers. Those of the"
        " environment win.",
        default="",
        parse=str,
        example="providers.toml",
    )


def _one(text: str) -> tuple[str, ...]:
    return (text,)


def _private_key(text: str) -> str:
    key = re.sub(r"(\\r)?\\n", "\n", text)
    if key:
        try:
            load_pem_private_key(key.encode(), None)
        except (ValueError, TypeError):
            raise ValueError("is not the text of a .p8 file.") from None
    return key


@dataclass(frozen=True, kw_only=True)
class GoogleEndpoints(Endpoints):
    """Google's endpoints that its discovery document does not list, or that tests change."""

    tokeninfo: str = setting("GOOGLE_TOKENINFO_URL", ENDPOINT, default="https://oauth2.googleapis.com/tokeninfo")
    userinfo: str = setting("GOOGLE_USERINFO_URL", ENDPOINT, default="https://openidconnect.googleapis.com/v1/userinfo")


@dataclass(frozen=True, kw_only=True)
class Google(Provider):
    """Google."""

    name: str = "google-oauth2"
    aliases: tuple[str, ...] = ("google",)
    label: str = "Google"
    backend: str = "accounts.social.providers.google.google"
    client_ids: tuple[str, ...] = setting(
        "GOOGLE_CLIENT_IDS",
        "Your OAuth client IDs at Google, for all platforms, the web client first. Enables Google.",
        default=(),
        example="web-id.apps.googleusercontent.com,ios-id.apps.googleusercontent.com",
    )
    client_secret: str = setting("GOOGLE_CLIENT_SECRET", SECRET, default="", secret=True, example="")
    scopes: tuple[str, ...] = setting(
        "GOOGLE_SCOPES", f"{SCOPES} Add those of other Google APIs that you use.", default=Provider.scopes
    )
    nonce_required: bool = setting("GOOGLE_NONCE_REQUIRED", NONCE, default=True)
    issuer: str = setting("GOOGLE_ISSUER", ISSUER, default="https://accounts.google.com")


@dataclass(frozen=True, kw_only=True)
class Apple(AppleProvider):
    """Apple."""

    name: str = "apple-id"
    aliases: tuple[str, ...] = ("apple",)
    label: str = "Apple"
    backend: str = "accounts.social.providers.apple.apple"
    client_ids: tuple[str, ...] = setting(
        "APPLE_CLIENT_IDS",
        "Your Services ID and bundle IDs at Apple, the Services ID first. Enables Apple.",
        default=(),
        example="com.example.web,com.example.app",
    )
    team_id: str = setting(
        "APPLE_TEAM_ID", "Your team ID. Together with the key and its ID, enables authorization codes.", default=""
    )
    key_id: str = setting("APPLE_KEY_ID", "ID of the key.", default="")
    private_key: str = setting(
        "APPLE_PRIVATE_KEY",
        r"The key: the text of the `.p8` file, with `\n` for line ends.",
        default="",
        secret=True,
        parse=_private_key,
    )
    scopes: tuple[str, ...] = ("openid", "name", "email")
    nonce_required: bool = setting("APPLE_NONCE_REQUIRED", NONCE, default=True)
    issuer: str = setting("APPLE_ISSUER", ISSUER, default="https://appleid.apple.com")


@dataclass(frozen=True, kw_only=True)
class FacebookURLs:
    """Where Facebook answers."""

    graph: str = setting(
        "FACEBOOK_GRAPH_URL", "Base URL of the Graph API, with its version.", default="https://graph.facebook.com/v24.0"
    )
    dialog: str = setting(
        "FACEBOOK_DIALOG_URL", "URL of the login dialog.", default="https://www.facebook.com/v24.0/dialog/oauth"
    )

    def endpoints(self) -> Endpoints:
        """Facebook's endpoints."""
        return Endpoints(authorization=self.dialog, token=f"{self.graph}/oauth/access_token", api=self.graph)


@dataclass(frozen=True, kw_only=True)
class Facebook(Provider):
    """Facebook."""

    name: str = "facebook"
    label: str = "Facebook"
    backend: str = "accounts.social.providers.facebook.facebook"
    client_ids: tuple[str, ...] = setting(
        "FACEBOOK_APP_ID",
        "ID of your app at Facebook. Together with its secret, enables Facebook.",
        default=(),
        parse=_one,
        example="",
    )
    client_secret: str = setting(
        "FACEBOOK_APP_SECRET", "Secret of your app at Facebook.", default="", secret=True, example=""
    )
    scopes: tuple[str, ...] = setting("FACEBOOK_SCOPES", SCOPES, default=("email", "public_profile"))
    nonce_required: bool = setting("FACEBOOK_NONCE_REQUIRED", f"{NONCE} They come from Limited Login.", default=True)
    issuer: str = setting("FACEBOOK_ISSUER", ISSUER, default="https://www.facebook.com")


@dataclass(frozen=True, kw_only=True)
class Microsoft(Provider):
    """Microsoft."""

    name: str = "microsoft"
    label: str = "Microsoft"
    backend: str = "accounts.social.providers.microsoft.microsoft"
    client_ids: tuple[str, ...] = setting(
        "MICROSOFT_CLIENT_IDS",
        "Your application IDs at Microsoft Entra, the web application first. Enables Microsoft.",
        default=(),
        example="",
    )
    client_secret: str = setting("MICROSOFT_CLIENT_SECRET", SECRET, default="", secret=True)
    scopes: tuple[str, ...] = setting("MICROSOFT_SCOPES", SCOPES, default=Provider.scopes)
    nonce_required: bool = setting("MICROSOFT_NONCE_REQUIRED", NONCE, default=True)
    issuer: str = setting(
        "MICROSOFT_ISSUER",
        "Issuer. To allow a single tenant, put its ID in place of `common`.",
        default="https://login.microsoftonline.com/common/v2.0",
    )


@dataclass(frozen=True, kw_only=True)
class GitHubURLs:
    """Where GitHub answers."""

    site: str = setting("GITHUB_URL", "Base URL. Change it for GitHub Enterprise Server.", default="https://github.com")
    api: str = setting(
        "GITHUB_API_URL",
        "Base URL of the REST API. Change it for GitHub Enterprise Server.",
        default="https://api.github.com",
    )

    def endpoints(self) -> Endpoints:
        """GitHub's endpoints."""
        authorization, token = f"{self.site}/login/oauth/authorize", f"{self.site}/login/oauth/access_token"
        return Endpoints(authorization=authorization, token=token, api=self.api)


@dataclass(frozen=True, kw_only=True)
class GitHub(Provider):
    """GitHub."""

    name: str = "github"
    label: str = "GitHub"
    backend: str = "accounts.social.providers.github.github"
    client_ids: tuple[str, ...] = setting(
        "GITHUB_CLIENT_ID",
        "Client ID of your OAuth app at GitHub. Together with its secret, enables GitHub.",
        default=(),
        parse=_one,
        example="",
    )
    client_secret: str = setting(
        "GITHUB_CLIENT_SECRET", "Secret of your OAuth app at GitHub.", default="", secret=True, example=""
    )
    scopes: tuple[str, ...] = setting("GITHUB_SCOPES", SCOPES, default=("read:user", "user:email"))
    nonce_required: bool = False


@dataclass(frozen=True, kw_only=True)
class Others:
    """The other OpenID providers."""

    names: tuple[str, ...] = setting(
        "OPENID_PROVIDERS",
        "Names of other OpenID providers, each with `OPENID_<NAME>_` variables. Identities contain the name: never"
        " change it.",
        default=(),
        example="keycloak",
    )


@dataclass(frozen=True, kw_only=True)
class OpenID(Provider):
    """Any OpenID provider, by its discovery document."""

    issuer: str = setting(
        "OPENID_<NAME>_ISSUER",
        "Issuer, exactly as in its ID tokens. The discovery document is below it.",
        default="",
        shown="required",
        parse=web_address,
    )
    client_ids: tuple[str, ...] = setting(
        "OPENID_<NAME>_CLIENT_IDS",
        "Your client IDs at this provider, the web client first.",
        default=(),
        shown="required",
    )
    client_secret: str = setting(
        "OPENID_<NAME>_CLIENT_SECRET",
        "Secret of the first client ID. A public client has none.",
        default="",
        secret=True,
    )
    token_auth_method: str = setting(
        "OPENID_<NAME>_TOKEN_AUTH_METHOD",
        "How Latchkey authenticates to the token endpoint.",
        default=SecretMethod.BASIC,
    )
    label: str = setting(
        "OPENID_<NAME>_LABEL",
        "Text of the sign-in button.",
        default="",
        shown="the name",
        parse=matching("(?s).+", "is empty. Leave it out for its default."),
    )
    scopes: tuple[str, ...] = setting("OPENID_<NAME>_SCOPES", SCOPES, default=Provider.scopes)
    nonce_required: bool = setting("OPENID_<NAME>_NONCE_REQUIRED", NONCE, default=True)
    algorithms: tuple[str, ...] = setting(
        "OPENID_<NAME>_ALGORITHMS",
        f"Algorithms that the provider signs with, of {', '.join(SIGNATURES)}. Other signatures are refused.",
        default=Provider.algorithms,
        parse=each("|".join(SIGNATURES), f"is not a list of {', '.join(SIGNATURES)}.", some=True),
    )
    introspection: bool = setting(
        "OPENID_<NAME>_INTROSPECTION",
        "Accept access tokens too, and ask the provider for their audience (RFC 7662).",
        default=False,
    )


def variable_of(name: str) -> str:
    """The name of an OpenID provider as its variables have it."""
    return name.upper().replace("-", "_")


def configured(env: Environment) -> tuple[Provider, ...]:
    """The enabled providers in display order. Raises ImproperlyConfigured if an OpenID provider lacks a setting."""
    known = (
        env.read(Google, endpoints=env.read(GoogleEndpoints)),
        env.read(Apple),
        env.read(Facebook, endpoints=env.read(FacebookURLs).endpoints()),
        env.read(Microsoft),
        env.read(GitHub, endpoints=env.read(GitHubURLs).endpoints()),
    )
    others = tuple(_openid(env, name) for name in env.read(Others).names)
    providers = tuple(provider for provider in known if _enabled(provider)) + others
    names = [name for provider in providers for name in (provider.name, *provider.aliases)]
    if len(names) != len(set(names)):
        raise ImproperlyConfigured("OPENID_PROVIDERS names a provider twice, or one that has settings of its own.")
    return providers


def _enabled(provider: Provider) -> bool:
    # Facebook and GitHub reveal a token's audience only if we send the app's secret.
    needs_secret = isinstance(provider, Facebook | GitHub)
    return any(provider.client_ids) and bool(provider.client_secret or not needs_secret)


def _openid(env: Environment, name: str) -> Provider:
    if not NAME.fullmatch(name):
        raise ImproperlyConfigured("OPENID_PROVIDERS: names are a-z, 0-9 and `-`, 32 at most.")
    variable = variable_of(name)
    provider = env.read(OpenID, named=variable, name=name, label=name.title())
    if not (provider.issuer and provider.client_ids):
        raise ImproperlyConfigured(
            f"{name} is among OPENID_PROVIDERS: set OPENID_{variable}_ISSUER and OPENID_{variable}_CLIENT_IDS."
        )
    return provider
