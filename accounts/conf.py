"""The domain's settings as one frozen dataclass: `settings.LATCHKEY`.

A field made by `setting` is a setting's only declaration. `project/environment.py` reads its variable, and
docs/settings.md and .env.example are printed from it.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from django.conf import settings

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The declaration of one environment variable."""

    variable: str
    default: Any
    """Its type says how the variable is written."""
    help: str
    development: Any = None
    """The default in development, if it differs."""
    unit: str = ""
    minimum: int | None = None
    maximum: int | None = None
    parse: Callable[[str], Any] | None = None
    """Reads what the type of the default does not describe. Its ValueError says what is wrong, never the value."""
    shown: str = ""
    """Describes a default that is computed, or too long to print."""
    example: str | None = None
    """The value in .env.example, which lists only settings that have one."""
    secret: bool = False
    """Whether no output shows the value."""
    public_part: Callable[[Any], str] | None = None
    """The part of a secret that `manage.py settings` may show."""


def setting(variable: str, help: str, *, default: T, secret: bool = False, **more: Any) -> T:  # noqa: A002
    """A dataclass field that is read from a variable. `more` are fields of Setting; a secret is not in the repr."""
    declared = Setting(variable=variable, default=default, help=help, secret=secret, **more)
    return field(default_factory=lambda: default, repr=not secret, metadata={"setting": declared})


RESERVED_USERNAMES = (
    # Roles that people trust, and mailboxes that prove control of a domain (RFC 2142, CA/Browser Forum §3.2.2.4.4).
    *("abuse", "accounts", "admin", "administrator", "anonymous", "billing", "contact", "daemon", "everyone", "guest"),
    *("help", "helpdesk", "hostmaster", "info", "legal", "mailer-daemon", "me", "mod", "moderator", "noc", "nobody"),
    *("no-reply", "noreply", "null", "official", "operator", "owner", "payments", "postmaster", "press", "privacy"),
    *(
        "root",
        "sales",
        "security",
        "service",
        "staff",
        "superuser",
        "support",
        "sysadmin",
        "system",
        "team",
        "undefined",
    ),
    *("unknown", "user", "users", "usenet", "uucp", "verified", "webmaster"),
    # Names of pages and hosts, for services whose profiles are at /name or name.example.com.
    *("about", "account", "api", "app", "auth", "autoconfig", "autodiscover", "blog", "cdn", "dashboard", "docs"),
    *("download", "edit", "explore", "favicon.ico", "forum", "ftp", "graphql", "home", "imap", "index", "isatap"),
    *("localhost", "login", "logout", "mail", "news", "ns1", "ns2", "oauth", "pop", "profile", "register"),
    *("robots.txt", "search", "settings", "shop", "signin", "signup", "smtp", "ssl", "static", "status", "store"),
    *("terms", "test", "wpad", "www"),
)


class Visibility(StrEnum):
    """Who may read the public profiles."""

    PUBLIC = "public"
    AUTHENTICATED = "authenticated"
    STAFF = "staff"


SHORTEST_SECOND_OF_TWO = 12
"""Characters of a password by default, where everybody has a second factor (S5). NIST SP 800-63B-4 §3.1.1.2 asks for 15
where the password is the only factor, and for 8 where it is not."""


class EmailVerification(StrEnum):
    """The policy for confirming e-mail addresses."""

    NONE = "none"
    OPTIONAL = "optional"
    MANDATORY = "mandatory"


class MfaRequired(StrEnum):
    """The accounts that must sign in with a second factor."""

    NONE = "none"
    STAFF = "staff"
    ALL = "all"


FEWEST_DIGITS, MOST_DIGITS = 6, 10


def code_digits(text: str) -> int:
    """The number of digits of mailed codes; 0 for letters. Raises ValueError."""
    if not re.fullmatch(r"0|[6-9]|10", text):
        raise ValueError(f"is neither 0 nor a number from {FEWEST_DIGITS} to {MOST_DIGITS}.")
    return int(text)


SHORTEST_KEY = 32
GUESSED_KEYS = ("change", "django-insecure")
"""How examples of keys begin."""


def can_be_guessed(key: str) -> bool:
    """Whether a key has too few characters, repeats a few of them, or is an example."""
    text = key.strip()
    return len(text) < SHORTEST_KEY or len(set(key)) < 10 or text.startswith(GUESSED_KEYS)  # noqa: PLR2004


def keys(text: str) -> tuple[str, ...]:
    """The keys between commas. Raises ValueError for one that could be guessed."""
    found = tuple(key for part in text.split(",") if (key := part.strip()))
    if any(can_be_guessed(key) for key in found):
        raise ValueError(f"has a key of fewer than {SHORTEST_KEY} random characters.")
    return found


def front_end(text: str) -> str:
    """A base URL that mailed links begin with. Raises ValueError."""
    if text and not re.fullmatch(r"[a-z][a-z0-9+.-]*:/[^\s?#@\\\x00-\x20\x7f]*", text):
        raise ValueError("is not a base URL without a query, such as https://www.example.com.")
    return text


def one_line(text: str) -> str:
    """A name to show. Raises ValueError."""
    if not text.strip() or not text.isprintable():
        raise ValueError("is not a name on one line.")
    return text


LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"(?:{LABEL}\.)+(?=[a-z]){LABEL}"
"""Of at least two labels, and no IPv4 address."""
PASSKEY_ORIGIN = re.compile(
    rf"https://(?:{DOMAIN}|localhost)(?!:443$)(?::[1-9][0-9]{{0,4}})?"
    r"|http://localhost(?!:80$)(?::[1-9][0-9]{0,4})?"
    r"|android:apk-key-hash:[A-Za-z0-9_-]{43}"
)


def rp_id(text: str) -> str:
    """The domain of passkeys (WebAuthn level 3 §5.1.3, RP ID). Raises ValueError."""
    if text and not re.fullmatch(rf"{DOMAIN}|localhost", text):
        raise ValueError("is not a domain in lower case, without scheme and port, such as example.com.")
    return text


def passkey_origins(text: str) -> tuple[str, ...]:
    """The origins between commas, which are compared letter by letter. Raises ValueError."""
    found = tuple(filter(None, map(str.strip, text.split(","))))
    for number, item in enumerate(found, 1):
        if not PASSKEY_ORIGIN.fullmatch(item):
            raise ValueError(
                f"item {number} is neither https://host, in lower case, without path and without port 443, nor"
                " android:apk-key-hash: and 43 characters of base64url."
            )
    return found


@dataclass(frozen=True)
class AndroidApp:
    """An Android app that may use our passkeys and passwords, known by the certificate that signs it."""

    package: str
    fingerprint: str
    """The certificate's SHA-256: 32 pairs of hexadecimal digits, in upper case, between colons."""

    def __str__(self) -> str:
        return f"{self.package}={self.fingerprint}"

    @property
    def origin(self) -> str:
        """How the app names itself in the answer of a passkey, in place of a page's origin."""
        digest = base64.urlsafe_b64encode(bytes.fromhex(self.fingerprint.replace(":", "")))
        return f"android:apk-key-hash:{digest.decode().rstrip('=')}"


ANDROID_APP = re.compile(r"([A-Za-z]\w*(?:\.[A-Za-z]\w*)+)=([0-9A-F]{2}(?::[0-9A-F]{2}){31})", re.ASCII | re.IGNORECASE)
APPLE_APP = re.compile(r"[A-Z0-9]{10}(?:\.[A-Za-z0-9-]+)+")


def android_apps(text: str) -> tuple[AndroidApp, ...]:
    """The apps between commas. Raises ValueError."""
    found = []
    for number, item in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        if not (parts := ANDROID_APP.fullmatch(item)):
            raise ValueError(
                f"item {number} is not package=fingerprint, such as com.example.app=14:6D:…, with the SHA-256 of the"
                " certificate that signs the app: 32 pairs of hexadecimal digits between colons."
            )
        found.append(AndroidApp(parts[1], parts[2].upper()))
    return tuple(found)


def apple_apps(text: str) -> tuple[str, ...]:
    """The apps between commas. Raises ValueError."""
    found = tuple(filter(None, map(str.strip, text.split(","))))
    for number, item in enumerate(found, 1):
        if not APPLE_APP.fullmatch(item):
            raise ValueError(f"item {number} is not a team ID and a bundle ID, such as A1B2C3D4E5.com.example.app.")
    return found


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """A provider's endpoints. Empty ones come from its discovery document."""

    authorization: str = ""
    token: str = ""
    jwks: str = ""
    userinfo: str = ""
    introspection: str = ""
    revocation: str = ""
    tokeninfo: str = ""
    """Google's: returns the audience of an access token."""
    api: str = ""
    """The root of Facebook's Graph API and of GitHub's REST API."""


SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Algorithms allowed for a provider's signatures. HMAC is not: its key would be our client secret."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An enabled provider: our registration at it, and its endpoints.

    All of this is settings, so that any OpenID provider can be added, and tests can replace a real one.
    """

    name: str
    """The value of `provider` in requests. Identities contain it: never change it."""
    label: str
    backend: str = "accounts.social.providers.openid.openid_connect"
    """The function that builds the provider of these settings."""
    aliases: tuple[str, ...] = ()
    client_ids: tuple[str, ...]
    """Our client IDs, for all platforms. The first belongs to the web client and to `client_secret`."""
    client_secret: str = field(default="", repr=False)
    token_auth_method: str = "client_secret_post"  # noqa: S105 - a method
    """`client_secret_post` or `client_secret_basic` (OpenID Connect Core §9)."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    issuer: str = ""
    """The exact issuer of its ID tokens. The discovery document is below it."""
    nonce_required: bool = True
    """Whether an ID token that a client presents must contain one of our nonces."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    """The SIGNATURES that this provider uses. A token cannot choose another (RFC 8725 §3.1)."""
    introspection: bool = False
    """Whether clients may present access tokens. The provider then returns their audience (RFC 7662)."""
    endpoints: Endpoints = field(default_factory=Endpoints)


@dataclass(frozen=True, kw_only=True)
class AppleProvider(Provider):
    """Apple, whose client secret is a JWT that we sign with a key."""

    team_id: str = ""
    key_id: str = ""
    private_key: str = field(default="", repr=False)
    """The PEM text of Apple's .p8 file."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a GraphQL document: room for GraphiQL's introspection, and several times what pages need."""

    depth: int = setting("LIMIT_DEPTH", "Maximum nesting of fields in an operation.", default=16, minimum=1)
    fields: int = setting(
        "LIMIT_FIELDS",
        "Maximum number of fields, spreads and inline fragments, with fragments expanded.",
        default=500,
        minimum=1,
    )
    aliases: int = setting(
        "LIMIT_ALIASES", "Maximum number of aliases, with fragments expanded.", default=30, minimum=1
    )
    directives: int = setting("LIMIT_DIRECTIVES", "Maximum number of directives.", default=50, minimum=1)
    repeats: int = setting(
        "LIMIT_REPEATS",
        "Maximum number of pairs of fields with the same name, or of fragments, in the same place.",
        default=2000,
        minimum=1,
    )
    tokens: int = setting("LIMIT_TOKENS", "Maximum number of lexical tokens.", default=2000, minimum=1)
    values: int = setting(
        "LIMIT_VALUES",
        "Maximum number of values in a document's literals. Its variables may hold as many.",
        default=250,
        minimum=1,
    )
    cost: int = setting(
        "LIMIT_COST",
        "Maximum number of fields, those in a list counted once for each row of the page.",
        default=3000,
        minimum=1,
    )
    query_bytes: int = setting(
        "LIMIT_QUERY_BYTES", "Maximum length of the query text.", default=64 * 1024, unit="bytes", minimum=1
    )


PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
RATE = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,3})([smhd])")
LONGEST_PERIOD = 30 * 24 * 3600


@dataclass(frozen=True)
class Rate:
    """At most this many attempts at once, and afterwards as many in each period, evenly (a token bucket)."""

    attempts: int
    seconds: int

    def __str__(self) -> str:
        unit, length = next((u, n) for u, n in reversed(PERIODS.items()) if self.seconds % n == 0)
        return f"{self.attempts}/{self.seconds // length}{unit}"


RateLimits = Mapping[str, Rate | None]
"""A rate for each `action.line`; None if the line is off."""

DEFAULT_RATE_LIMITS = """
sign_in.account=100/1h, sign_in.account_address=10/1h, sign_in.address=20/30m, sign_in.network=200/30m,
sign_in.client=off, sign_in.global=6000/10m, sign_in.success=300/1h,
register.account=30/1h, register.account_address=10/1h, register.address=30/1h, register.network=300/1h,
register.client=off, register.global=2000/1h,
refresh.account=off, refresh.address=100/15m, refresh.network=1000/15m, refresh.client=off, refresh.global=off,
convert.account=off, convert.address=60/15m, convert.network=600/15m, convert.client=off, convert.global=6000/10m,
challenge.account=off, challenge.address=60/15m, challenge.network=600/15m, challenge.client=off, challenge.global=off,
reauthenticate.account=100/1h, reauthenticate.account_address=10/1h, reauthenticate.address=60/15m,
reauthenticate.success=60/1h,
change_password.account=100/1h, change_password.account_address=10/1h, change_password.address=60/15m,
change_password.success=20/1h,
update_account.account=60/1h, update_account.address=200/1h, update_account.success=60/1h,
export.account=5/1d, export.address=50/1d,
mail.account=10/1h, mail.account_address=5/1h, mail.address=60/1h, mail.network=600/1h, mail.client=off,
mail.global=6000/1h,
code.account=100/1h, code.account_address=10/1h, code.address=60/15m, code.network=600/15m, code.client=off,
code.global=off,
factor.account=10/1h, factor.account_address=5/1h, factor.address=60/15m, factor.network=600/15m,
notice.account=10/1d
"""
"""For a site of 100,000 accounts. The lines of an action are those that stand here.

An account bears 100 wrong passwords (NIST SP 800-63B §5.2.2) before it refuses those from new addresses.
"""


def rate_limits(text: str) -> RateLimits:
    """The table with some lines replaced: `sign_in.account=30/1h, register.address=off`. Raises ValueError."""
    changed: dict[str, Rate | None] = {}
    for number, item in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        name, separator, rate = (part.strip() for part in item.partition("="))
        if not separator or name not in DEFAULTS:
            raise ValueError(f"item {number} is not `action.line=rate` with a line of the table in docs/guard.md.")
        if name in changed:
            raise ValueError(f"item {number} repeats the line of an earlier one.")
        changed[name] = _rate(rate, number)
    return MappingProxyType({**DEFAULTS, **changed})


def _rate(text: str, number: int) -> Rate | None:
    if text == "off":
        return None
    parts = RATE.fullmatch(text)
    seconds = int(parts[2]) * PERIODS[parts[3]] if parts else 0
    if parts is None or seconds > LONGEST_PERIOD:
        raise ValueError(f"item {number} is neither `off` nor a rate like 30/15m, in s, m, h or d, at most 30 days.")
    return Rate(int(parts[1]), seconds)


DEFAULTS: RateLimits = MappingProxyType(
    {name: _rate(rate, 0) for item in DEFAULT_RATE_LIMITS.split(",") for name, rate in [item.strip().split("=")]}
)


@dataclass(frozen=True, kw_only=True)
class Latchkey:
    """Settings of the domain. Durations are in seconds."""

    development: bool = False
    """Answers explain errors to developers."""
    public_urls: tuple[str, ...] = ()
    """Base URLs of this service. A request that names none of them is answered with the first."""
    front_end_origins: tuple[str, ...] = ()
    """Origins of the pages that may use this service, beside its own."""

    default_client_id: str = setting(
        "OAUTH_CLIENT_ID",
        "ID of the default client: the first-party client used when a request sends no `clientId`.",
        default="web",
    )
    default_client_name: str = setting("OAUTH_CLIENT_NAME", "Name of the default client.", default="Web")
    default_client_redirect_uris: tuple[str, ...] = setting(
        "OAUTH_REDIRECT_URIS",
        "Redirect URIs of the default client.",
        default=(),
        shown="none / `/callback` on localhost, at ports 5173 and `PORT`",
        example="https://www.example.com/callback",
    )

    access_token_lifetime: int = setting(
        "ACCESS_TOKEN_LIFETIME", "Maximum lifetime of an access token.", default=15 * 60, unit="seconds"
    )
    access_token_jitter: int = setting(
        "ACCESS_TOKEN_JITTER",
        "An access token's lifetime is shortened by a random 0 to this many seconds, so that clients do not all refresh"
        " at once.",
        default=60,
        unit="seconds",
    )
    refresh_token_idle_lifetime: int = setting(
        "REFRESH_TOKEN_IDLE_LIFETIME",
        "An unused refresh token expires this long after its access token.",
        default=14 * 24 * 3600,
        unit="seconds",
    )
    refresh_token_grace: int = 10
    session_lifetime: int = setting(
        "SESSION_LIFETIME",
        "A session ends this long after sign-in, however often it is refreshed.",
        default=90 * 24 * 3600,
        unit="seconds",
    )
    sessions_per_account: int = setting(
        "SESSIONS_PER_ACCOUNT",
        "Maximum number of an account's sessions. One more ends the least recently used.",
        default=100,
        minimum=1,
    )
    reauthentication_lifetime: int = setting(
        "REAUTHENTICATION_LIFETIME",
        "Sensitive changes need a sign-in or a `reauthenticate` in the same session within this time.",
        default=10 * 60,
        unit="seconds",
        minimum=1,
    )

    password_min_length: int = setting(
        "PASSWORD_MIN_LENGTH",
        "Minimum length of a password.",
        default=15,
        unit="characters",
        minimum=1,
        shown="`15` characters; `12` where `MFA_REQUIRED_FOR=all`",
    )
    password_max_bytes: int = 1024
    password_min_strength: int = setting(
        "PASSWORD_MIN_STRENGTH",
        "Minimum strength of a password on the zxcvbn scale of 1 to 4. 0 does not estimate it.",
        default=0,
        minimum=0,
        maximum=4,
    )
    leaked_passwords: str = setting(
        "LEAKED_PASSWORDS",
        "Path of a file of [leaked passwords](passwords.md#leaked-passwords), which nobody can choose. The system"
        " check `accounts.E004` reads the file.",
        default="",
    )
    # Defaults: OWASP Password Storage cheat sheet.
    argon2_time_cost: int = setting(
        "ARGON2_TIME_COST",
        "Argon2id: number of passes. After a change of these three costs, a hash is renewed when its account signs in;"
        " until all are renewed, a failed sign-in computes one hash at each cost in use.",
        default=2,
        minimum=1,
    )
    argon2_memory_cost: int = setting(
        "ARGON2_MEMORY_COST",
        "Argon2id: memory, at least 8 KiB for each lane.",
        default=19 * 1024,
        unit="KiB",
        minimum=8,
    )
    argon2_parallelism: int = setting("ARGON2_PARALLELISM", "Argon2id: number of lanes.", default=1, minimum=1)

    hashing_slots: int = setting(
        "HASHING_SLOTS",
        "Threads of each process that hash passwords at once. Others wait up to 2 seconds or are told to come back, so"
        " that a storm of sign-ins leaves processors and threads for the rest.",
        default=1,
        minimum=1,
        shown="the machine's processors, less one, divided by `WORKERS`; at least 1, at most a quarter of `THREADS`",
    )
    hashing_queue: int = 2
    """Threads of each process that may wait for a slot."""
    rate_limits: RateLimits = setting(
        "RATE_LIMITS",
        "Changes of the table of limits in docs/guard.md, line by line: at most so many attempts at once, and then as"
        " many in each period; or `off`.",
        default=DEFAULTS,
        parse=rate_limits,
        shown="[the table](guard.md#limits)",
        example="sign_in.address=100/15m,register.global=off",
    )

    registration_open: bool = setting(
        "REGISTRATION_OPEN", "Whether new accounts can be created, by `register` or through a provider.", default=True
    )
    email_verification: EmailVerification = setting(
        "EMAIL_VERIFICATION",
        "`none` mails nothing to new addresses; `optional` mails a link and a code, and signing in does not wait for"
        " them; with `mandatory` it does, and `register` does not tell new addresses from taken ones.",
        default=EmailVerification.OPTIONAL,
    )
    email_verification_lifetime: int = setting(
        "EMAIL_VERIFICATION_LIFETIME",
        "How long a mailed link or code confirms an address.",
        default=24 * 3600,
        unit="seconds",
        minimum=60,
    )
    sign_in_by_mail: bool = setting(
        "SIGN_IN_BY_MAIL",
        "Whether a mailed code or link signs in, without a password.",
        default=False,
        development=True,
    )
    mailed_code_keys: tuple[str, ...] = setting(
        "MAILED_CODE_KEYS",
        "Keys of mailed links and codes, each of at least 32 random characters: the first makes them, all open them.",
        default=(),
        secret=True,
        parse=keys,
        shown="derived from `SECRET_KEY`",
    )
    mailed_code_digits: int = setting(
        "MAILED_CODE_DIGITS",
        "Number of digits of mailed codes, 6 to 10; 0 for codes of letters such as `BCDF-GHJK`, which are far harder to"
        " guess.",
        default=0,
        parse=code_digits,
    )
    mailed_code_lifetime: int = setting(
        "MAILED_CODE_LIFETIME",
        "How long a mailed link or code signs in, resets a password or confirms its holder.",
        default=30 * 60,
        unit="seconds",
        minimum=60,
    )
    mailed_code_attempts: int = 5
    """Wrong guesses that a typed code bears."""
    undo_lifetime: int = 7 * 24 * 3600
    """How long the links of notices work, such as the one that undoes a change of the address."""
    service_name: str = setting(
        "SERVICE_NAME", "Name of the service in its mails.", default="Latchkey", parse=one_line, example="Example"
    )
    mail_templates: str = setting(
        "MAIL_TEMPLATES",
        "Path of a folder whose files replace [templates of mails](mails.md#templates) with the same name. The system"
        " check `accounts.E005` reads them.",
        default="",
    )
    front_end_url: str = setting(
        "FRONT_END_URL",
        "Base URL of the front end that mailed links open, for clients that have none of their own (`manage.py"
        " ensure_client --front-end-url`).",
        default="",
        parse=front_end,
        shown="`PUBLIC_URL`, where the service serves its own front end",
        example="https://www.example.com",
    )
    deletion_grace_days: int = setting(
        "DELETION_GRACE_DAYS",
        "A deleted account is kept for so long, closed, while a mailed link can undo the deletion. 0 deletes at once.",
        default=0,
        unit="days",
        minimum=0,
        maximum=365,
    )

    mfa_keys: tuple[str, ...] = setting(
        "MFA_KEYS",
        "Keys that encrypt what is stored of authenticator apps and recovery codes, each of at least 32 random"
        " characters: the first seals, all open. [Never lose them](secrets.md#mfa_keys).",
        default=(),
        secret=True,
        parse=keys,
        shown="derived from `SECRET_KEY`",
    )
    mfa_required_for: MfaRequired = setting(
        "MFA_REQUIRED_FOR",
        "Who must set up a second factor at the next sign-in. `all` needs `EMAIL_VERIFICATION=mandatory`.",
        default=MfaRequired.NONE,
    )
    mfa_trusted_providers: tuple[str, ...] = setting(
        "MFA_TRUSTED_PROVIDERS",
        "Providers whose word counts that they have asked for a second factor (`amr` in the ID token, RFC 8176).",
        default=(),
        example="google-oauth2",
    )
    mfa_remember_days: int = setting(
        "MFA_REMEMBER_DAYS",
        "How long a browser may ask not to be asked for a second factor again. 0 always asks.",
        default=0,
        unit="days",
        minimum=0,
        maximum=365,
    )
    mfa_reset_delay_hours: int = setting(
        "MFA_RESET_DELAY_HOURS",
        "How long a reset of second factors by staff waits until it takes effect. Its holder is mailed at once.",
        default=24,
        unit="hours",
        minimum=0,
        maximum=30 * 24,
    )
    mfa_code_lifetime: int = 15 * 60
    """Seconds in which an authenticator app, once begun, must be confirmed with a code."""
    passkey_rp_id: str = setting(
        "PASSKEY_RP_ID",
        "The domain that passkeys belong to (WebAuthn). Those made for another one never work again.",
        default="",
        parse=rp_id,
        shown="the host of `PUBLIC_URL`",
        example="example.com",
    )
    passkey_origins: tuple[str, ...] = setting(
        "PASSKEY_ORIGINS",
        "Origins of the pages and apps that may use passkeys, exact, such as `https://www.example.com` or"
        " `android:apk-key-hash:…`; `http://localhost:…` in development. Pages outside `PASSKEY_RP_ID` become related"
        " origins, which `/.well-known/webauthn` names.",
        default=(),
        parse=passkey_origins,
        shown="those of `PUBLIC_URL` and `CORS_ALLOWED_ORIGINS` at `PASSKEY_RP_ID` and below it",
        example="https://www.example.com",
    )
    android_apps: tuple[AndroidApp, ...] = setting(
        "ANDROID_APPS",
        "Android apps that use this service's passkeys and passwords: `package=fingerprint`, with the SHA-256 of the"
        " certificate that signs the app; several of a package are listed one by one."
        " `/.well-known/assetlinks.json` names them, and their passkeys are accepted.",
        default=(),
        parse=android_apps,
    )
    apple_apps: tuple[str, ...] = setting(
        "APPLE_APPS",
        "Apps of Apple's systems that use this service's passkeys and passwords, as team ID and bundle ID."
        " `/.well-known/apple-app-site-association` names them.",
        default=(),
        parse=apple_apps,
        example="A1B2C3D4E5.com.example.app",
    )
    passkey_ceremony_lifetime: int = 5 * 60
    """Seconds in which a passkey must answer."""

    users_visibility: Visibility = setting(
        "USERS_VISIBILITY", "Who may read public profiles.", default=Visibility.PUBLIC
    )
    public_names: bool = setting("PUBLIC_NAMES", "Public profiles include given and family names.", default=True)

    audit_retention_days: int = setting(
        "AUDIT_RETENTION_DAYS",
        "`manage.py clear_expired` deletes security events that are older. 0 keeps them for good.",
        default=365,
        unit="days",
        minimum=0,
        maximum=100 * 365,
    )
    reserved_usernames: tuple[str, ...] = setting(
        "RESERVED_USERNAMES",
        "Usernames that nobody can choose, compared as usernames are: in any case, also written with lookalike letters."
        " Staff may still give them to an account in the administration.",
        default=RESERVED_USERNAMES,
        shown="a list of roles and addresses, such as `admin`, `root`, `support`, `security`, `www`",
    )
    username_change_interval: int = setting(
        "USERNAME_CHANGE_INTERVAL",
        "Minimum time between two changes of a username by its holder.",
        default=0,
        unit="seconds",
        minimum=0,
    )

    graphiql: bool = setting(
        "GRAPHIQL",
        "Serve GraphiQL to browsers at `/graphql`, if it is built. Needs `INTROSPECTION`.",
        default=False,
        development=True,
    )
    introspection: bool = setting(
        "INTROSPECTION",
        'Clients may read the schema, and error messages suggest names ("Did you mean").',
        default=False,
        development=True,
    )
    trusted_documents: str = setting(
        "TRUSTED_DOCUMENTS",
        "Path of a manifest of operations, from graphql-codegen, Relay or Apollo. If set, no other operation runs. The"
        " system check `schema.E001` reads the manifest.",
        default="",
    )
    max_body_bytes: int = setting(
        "LIMIT_BODY_BYTES", "Maximum size of a request's body.", default=128 * 1024, unit="bytes", minimum=1
    )
    limits: Limits = field(default_factory=Limits)

    providers: tuple[Provider, ...] = ()
    """In display order."""
    private_providers: bool = setting(
        "PRIVATE_PROVIDERS",
        "Allow providers at private addresses and without TLS, as in a closed network.",
        default=False,
        development=True,
    )
    id_token_max_age: int = setting(
        "ID_TOKEN_MAX_AGE", "Maximum age of an ID token.", default=10 * 60, unit="seconds", minimum=1
    )
    social_flow_lifetime: int = setting(
        "SOCIAL_FLOW_LIFETIME",
        "Maximum time between `createSocialAuthUrl` or `createSocialNonce` and the credential.",
        default=30 * 60,
        unit="seconds",
        minimum=1,
    )
    challenge_lifetime: int = setting(
        "CHALLENGE_LIFETIME",
        "Lifetime of a LinkChallenge or ProfileChallenge.",
        default=15 * 60,
        unit="seconds",
        minimum=1,
    )
    challenge_attempts: int = 10
    jwks_refetch_interval: int = setting(
        "JWKS_REFETCH_INTERVAL",
        "Minimum time between two requests for a provider's keys because of an unknown key ID.",
        default=60,
        unit="seconds",
        minimum=0,
    )
    provider_timeout: float = setting(
        "PROVIDER_TIMEOUT",
        "Maximum total time for all requests to a provider during one sign-in.",
        default=5.0,
        unit="seconds",
    )
    provider_threads: int = 2
    """How many threads of a process may wait for providers at once (S92)."""
    provider_max_bytes: int = 256 * 1024


def latchkey() -> Latchkey:
    """The settings in force."""
    own: Latchkey = settings.LATCHKEY
    return own
