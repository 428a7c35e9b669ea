"""The service's own settings. Those of accounts are in accounts/conf.py, those of providers in project/providers.py."""

import importlib.util
import ipaddress
import re
from dataclasses import dataclass
from email.headerregistry import Address
from enum import StrEnum
from pathlib import Path
from typing import Any

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.conf import keys, setting
from project import data_urls
from project.environment import each, matching
from project.trust import Trust, trusted

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]", "10.0.2.2")

HOST_NAME = r"\*|\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]"
"""As Django compares hosts; anything else would match no request."""


def origin(host: str) -> str:
    """The pattern of an origin as browsers send it, since origins are compared letter by letter."""
    return rf"(?!http://[^/]*:80$|https://[^/]*:443$)[a-z][a-z0-9+.-]*://(?:{host}|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?"


ORIGINS = (
    "takes origins as browsers send them: https://app.example.com, in lower case, without path and without the scheme's"
    " own port."
)


class Kind(StrEnum):
    """What a deployment is for."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"


class Level(StrEnum):
    """The least severe level that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class LogFormat(StrEnum):
    """How the log is written."""

    JSON = "json"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is read before all other settings."""

    latchkey_env: Kind = setting(
        "LATCHKEY_ENV",
        "Kind of deployment. Development serves the schema, allows local hosts and origins, and does not require TLS.",
        default=Kind.PRODUCTION,
        example="production",
    )
    dotenv: str = setting(
        "DOTENV",
        "The file to read settings from. A file named here must exist; an empty value reads none.",
        default=str(BASE_DIR / ".env"),
        shown="`.env`",
        parse=str,
    )


def _bind_address(text: str) -> str:
    """A name or an IP address; brackets around one of IPv6 do not count."""
    bare = text[1:-1] if re.fullmatch(r"\[[^]]*:[^]]*\]", text) else text
    if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9.-]+", bare):
        try:
            ipaddress.ip_address(bare if "%" not in bare else "")
        except ValueError:
            raise ValueError("is neither a name nor an IP address. The port is PORT.") from None
    return bare


def _collector(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s?#]+", text):
        raise ValueError("is not the URL of a collector, such as http://collector.example:4318.")
    if text and importlib.util.find_spec("opentelemetry") is None:
        raise ValueError("needs packages that are not installed: requirements/tracing.txt has them.")
    return text


@dataclass(frozen=True, kw_only=True)
class Service:
    """Keys, names and processes of the service."""

    secret_key: str = setting(
        "SECRET_KEY",
        "At least 32 random characters: `python3 -c 'import secrets; print(secrets.token_urlsafe(50))'`. Signs values"
        " and derives the successors of refresh tokens.",
        default="",
        secret=True,
        shown="required",
        example="",
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        "SECRET_KEY_FALLBACKS",
        "Keys that are still read, separated by commas, while `SECRET_KEY` is [being changed](secrets.md#secret_key).",
        default=(),
        secret=True,
        parse=keys,
    )
    allowed_hosts: tuple[str, ...] = setting(
        "ALLOWED_HOSTS",
        "Host names of the service, without scheme and port. `.example.com` includes all subdomains.",
        default=(),
        development=LOCAL_HOSTS,
        shown="required",
        parse=each(
            HOST_NAME,
            "takes names without scheme and port: api.example.com, .example.com for all below, [::1].",
        ),
        example="api.example.com",
    )
    allow_any_host: bool = setting(
        "ALLOW_ANY_HOST",
        "Allow `ALLOWED_HOSTS=*` in production. Set it only if a proxy in front rejects other host names.",
        default=False,
    )
    public_url: str = setting(
        "PUBLIC_URL",
        "Base URL of the service for its clients, with its path if it has one. The OAuth metadata takes the issuer and"
        " endpoints from it, whatever the Host header says.",
        default="",
        shown="`https://` and the first name in `ALLOWED_HOSTS` / the local hosts at `PORT`",
    )
    host: str = setting(
        "HOST",
        "Address to listen on, such as `0.0.0.0`, `::` or `::1`.",
        default="127.0.0.1",
        parse=_bind_address,
        example="::",
    )
    port: int = setting("PORT", "Port to listen on.", default=8000, minimum=1, maximum=2**16 - 1, example="9000")
    workers: int = setting(
        "WORKERS", "Number of server processes. More than one needs a shared cache.", default=1, minimum=1, example="2"
    )
    threads: int = setting(
        "THREADS",
        "Threads of each process. At most a quarter of them, but at least one, wait for providers at once. Raise it if"
        " many users sign in by code or access token.",
        default=8,
        minimum=1,
    )
    shutdown_delay: int = setting(
        "SHUTDOWN_DELAY",
        "How long requests are served after SIGTERM, while `/readyz` says 503, so that proxies stop sending them.",
        default=5,
        development=0,
        minimum=0,
        maximum=600,
        unit="seconds",
    )
    metrics_tokens: tuple[str, ...] = setting(
        "METRICS_TOKENS",
        "Tokens of at least 32 random characters that open `/metrics`, separated by commas. Without one it is 404.",
        default=(),
        secret=True,
        parse=keys,
        shown="none",
    )
    otel_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Base URL of a collector of traces, which speaks OTLP over HTTP ([metrics.md](metrics.md#traces)). Needs"
        " requirements/tracing.txt. Other variables that begin with `OTEL_` are settings of OpenTelemetry.",
        default="",
        parse=_collector,
        shown="no traces",
    )
    otel_service_name: str = setting("OTEL_SERVICE_NAME", "Name of the service in traces.", default="latchkey")
    log_level: Level = setting("LOG_LEVEL", "The least severe level logged to standard error.", default=Level.INFO)
    log_format: LogFormat = setting(
        "LOG_FORMAT",
        "One JSON object on each line, for programs, or text for people. See [logs.md](logs.md).",
        default=LogFormat.JSON,
        development=LogFormat.TEXT,
    )


@dataclass(frozen=True, kw_only=True)
class Data:
    """Database and cache."""

    database: dict[str, Any] = setting(
        "DATABASE_URL",
        "The database: PostgreSQL in production, `postgres://user:password@host/name`. Options after `?` go to the"
        " driver, such as `sslmode=require`. The threads of a process share a pool of connections;"
        " `pool=false` keeps one for each thread, for `conn_max_age` seconds (60)."
        " Statements are prepared: behind a pooler between transactions, other than PgBouncer from 1.22 on with"
        " `max_prepared_statements` above 0, set `prepare_threshold=none` or `disable_server_side_cursors=true`. Django"
        " itself also reads `conn_health_checks` and `server_side_binding`.",
        default={"ENGINE": data_urls.SQLITE, "NAME": str(BASE_DIR / "db.sqlite3")},
        secret=True,
        shown="`sqlite:///db.sqlite3`",
        parse=data_urls.database,
        public_part=data_urls.public_part_of_database,
        example="postgres://user:password@localhost:5432/latchkey",
    )
    allow_sqlite_in_code: bool = setting(
        "ALLOW_SQLITE_IN_CODE",
        "Allow production to keep its SQLite file beside the code, where the next deployment may replace it.",
        default=False,
    )
    cache: dict[str, Any] = setting(
        "CACHE_URL",
        "The cache, which several workers must share: `redis://host:6379/0`, `rediss://` for TLS, `unix:///path` for a"
        " socket, `redis+sentinel://user:password@host:26379,host:26379/mymaster/0` for Sentinels, who know the primary"
        " (`rediss+sentinel://` for TLS, `?sentinel_password=` for a password of their own). If Redis is down, requests"
        " still work, uncached; it is tried again every 5 seconds.",
        default=data_urls.cache("locmemcache://"),
        secret=True,
        shown="in the process's memory",
        parse=data_urls.cache,
        public_part=data_urls.public_part_of_cache,
        example="redis://localhost:6379/0",
    )


def _backend(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text, re.ASCII):
        raise ValueError("is not the path of a class, such as anymail.backends.postmark.EmailBackend.")
    package = text.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise ValueError("names a package that is not installed; requirements/anymail.txt installs anymail.")
    return text


def _sender(text: str) -> str:
    """The sender as headers and envelopes need it: the name quoted if it has a comma, say, and the domain in ASCII."""
    parts = re.fullmatch(r"([^<>]*)<([^\s<>@]+)@([^\s<>@]+)>|([^\s<>@]+)@([^\s<>@]+)", text)
    if parts is None:
        raise ValueError("is neither an address nor a name and an address in <>.")
    name, local, domain = (parts[1] or "").strip(), parts[2] or parts[4], parts[3] or parts[5]
    if quoted := re.fullmatch(r'"((?:[^"\\]|\\.)*)"', name):
        name = re.sub(r"\\(.)", r"\1", quoted[1])
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii") if not domain.isascii() else domain
        validate_email(f"{local}@{ascii_domain}")
    except (idna.IDNAError, ValidationError):
        # Without a dot, as in a closed network, it is no e-mail address for Django.
        if not re.fullmatch(r"[\w.+-]+@[\w-]+", f"{local}@{domain}", re.ASCII):
            raise ValueError("has an address that mail servers do not take.") from None
        ascii_domain = domain
    if not name.isprintable() or not local.isascii():
        raise ValueError("has characters that no header can hold.")
    return str(Address(display_name=name, addr_spec=f"{local}@{ascii_domain}"))


@dataclass(frozen=True, kw_only=True)
class Mails:
    """How mails are sent."""

    server: dict[str, Any] = setting(
        "EMAIL_URL",
        "The mail server: `smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. `smtp://` uses"
        " STARTTLS except to localhost; `?starttls=false` switches it off, `?starttls=true` on. `outbox://` is for"
        " development: it keeps mails in a folder and prints their links and codes.",
        default=data_urls.mail("smtp://localhost:25"),
        development=data_urls.mail("outbox://"),
        secret=True,
        shown="`smtp://localhost:25` / `outbox://`, the folder `.outbox`",
        parse=data_urls.mail,
        public_part=data_urls.public_part_of_mail,
        example="smtp://user:password@smtp.example.com:587",
    )
    backend: str = setting(
        "EMAIL_BACKEND",
        "Another [backend of Django's](mails.md#providers) in place of EMAIL_URL, such as one of django-anymail."
        " Variables that begin with `ANYMAIL_` are settings of django-anymail.",
        default="",
        parse=_backend,
    )
    sender: str = setting(
        "EMAIL_FROM",
        "Sender of the mails: an address, or `Name <address>`.",
        default="",
        parse=_sender,
        shown="`SERVICE_NAME` and `no-reply@` the first of `ALLOWED_HOSTS`",
        example="Example <no-reply@example.com>",
    )
    worker: bool = setting(
        "MAIL_WORKER",
        "Whether the server processes send the queued mails. Switch it off if `manage.py send_queued_mail --forever`"
        " runs.",
        default=True,
    )


@dataclass(frozen=True, kw_only=True)
class Proxies:
    """What stands in front of the service."""

    trusted_proxies: Trust = setting(
        "TRUSTED_PROXIES",
        "Your proxies in front, whose headers for address, scheme, host and request ID count: their networks, such as"
        " `10.0.0.0/8,fd00::/8,192.0.2.7`, with `unix` for the peers of Unix sockets; or their number, one behind the"
        " other, if nobody can bypass them. The client's address is the last in `X-Forwarded-For` that is no proxy's;"
        " with a number, the one that the outermost adds. `0`: no header counts. See [proxies.md](proxies.md).",
        default=0,
        parse=trusted,
        example="10.0.0.0/8",
    )
    client_address_header: str = setting(
        "CLIENT_ADDRESS_HEADER",
        "Header with the client's address, such as `Forwarded`, `X-Real-IP`, `CF-Connecting-IP` or `True-Client-IP`."
        " Your proxies must set it or append to it.",
        default="X-Forwarded-For",
        parse=matching(r"[A-Za-z0-9-]+", "is not the name of a header."),
    )
    use_x_forwarded_host: bool = setting(
        "USE_X_FORWARDED_HOST",
        "Take the host name from `X-Forwarded-Host`, for a proxy that changes `Host`. It must be in `ALLOWED_HOSTS`.",
        default=False,
    )
    script_name: str = setting(
        "SCRIPT_NAME",
        "Path below which everything is served. The proxy may keep it or strip it.",
        default="",
        parse=matching(r"(/[A-Za-z0-9_.~-]+)*/*", "is not a path such as /auth."),
        example="/auth",
    )
    behind_tls_proxy: bool = setting(
        "BEHIND_TLS_PROXY",
        "Trust `X-Forwarded-Proto`. Set it only behind a proxy that terminates TLS and sets this header itself.",
        default=False,
        example="true",
    )


@dataclass(frozen=True, kw_only=True)
class Browsers:
    """What browsers may do."""

    cors_allowed_origins: tuple[str, ...] = setting(
        "CORS_ALLOWED_ORIGINS",
        "Origins of your front ends, as browsers send them: in lower case, without a path.",
        default=(),
        development=tuple(f"http://localhost:{port}" for port in (5173, 3000, 8081)),
        parse=each(origin("[a-z0-9._-]+"), ORIGINS),
        example="https://www.example.com,https://app.example.com",
    )
    cors_allow_headers: tuple[str, ...] = setting(
        "CORS_ALLOW_HEADERS",
        "Request headers that front ends may send besides those of common clients and tracers.",
        default=(),
        parse=each("[A-Za-z0-9_-]+", "is not a list of names of headers."),
    )
    csrf_trusted_origins: tuple[str, ...] = setting(
        "CSRF_TRUSTED_ORIGINS",
        "Further origins that may submit forms to the admin site, such as `https://admin.example.com`, if a proxy"
        " changes host or scheme.",
        default=(),
        parse=each(origin(r"(?:\*\.)?[a-z0-9._-]+"), ORIGINS),
    )
    allowed_redirect_uri_schemes: tuple[str, ...] = setting(
        "ALLOWED_REDIRECT_URI_SCHEMES",
        "Schemes of redirect URIs. Add an app's own, such as `com.example.app`.",
        default=("https",),
        development=("https", "http"),
        parse=each("[A-Za-z][A-Za-z0-9+.-]*", "is not a list of schemes, such as https,com.example.app.", some=True),
    )
    secure_ssl_redirect: bool = setting(
        "SECURE_SSL_REDIRECT", "Redirect http to https.", default=True, development=False
    )
    secure_hsts_seconds: int = setting(
        "SECURE_HSTS_SECONDS",
        "`Strict-Transport-Security`: how long browsers use only https.",
        default=365 * 24 * 3600,
        development=0,
        minimum=0,
        unit="seconds",
    )
    secure_hsts_include_subdomains: bool = setting(
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "Adds `includeSubDomains`: subdomains must use https too. Set it if no subdomain serves plain http.",
        default=False,
    )
    secure_hsts_preload: bool = setting(
        "SECURE_HSTS_PRELOAD",
        "Adds `preload`: anybody may then submit the domain to the lists that ship with browsers. These want"
        " `includeSubDomains` too, and removal takes months.",
        default=False,
    )
