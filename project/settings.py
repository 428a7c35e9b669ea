"""Django's settings, from the environment and, for development, from `.env` beside manage.py.

Variables are declared in project/variables.py, project/providers.py and accounts/conf.py.
`LATCHKEY_ENV` is `production` unless it says `development`. Production starts only with a SECRET_KEY of its own.
"""

import os
import re
from collections import ChainMap
from dataclasses import replace
from email.utils import formataddr
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from accounts.conf import SHORTEST_SECOND_OF_TWO, Latchkey, Limits, MfaRequired, can_be_guessed
from project import data_urls, no_geometry, providers, variables
from project.environment import Environment, Origin, read_dotenv
from project.providers_file import ProvidersFile

BASE_DIR = variables.BASE_DIR

of_providers_file: dict[str, str] = {}
Environment.in_force = env = Environment(ChainMap(os.environ, of_providers_file))
dotenv = Path(env.read(variables.Start).dotenv or os.devnull)
if env.sets("DOTENV") or dotenv.exists():
    env.origins |= dict.fromkeys(read_dotenv(dotenv, into=os.environ), Origin.DOTENV)

LATCHKEY_ENV = env.read(variables.Start).latchkey_env  # read again, since `.env` may set it
DEVELOPMENT = env.development = LATCHKEY_ENV == variables.Kind.DEVELOPMENT
PRODUCTION = not DEVELOPMENT
service, data = env.read(variables.Service), env.read(variables.Data)
proxies, browsers = env.read(variables.Proxies), env.read(variables.Browsers)
mails = env.read(variables.Mails)
providers_file = ProvidersFile(env.read(providers.File).path)
# The environment wins.
of_providers_file.update({name: text for name, text in providers_file.values.items() if not env.sets(name)})
env.origins |= dict.fromkeys(of_providers_file, Origin.PROVIDERS_FILE)

DEBUG = False
"""Never True: error pages would show settings and local variables to the client."""

SECRET_KEY = service.secret_key
SECRET_KEY_FALLBACKS = [*service.secret_key_fallbacks]
if can_be_guessed(SECRET_KEY):
    raise ImproperlyConfigured("Set SECRET_KEY to at least 32 random characters that no other service has.")

ALLOWED_HOSTS = [*service.allowed_hosts]
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Set ALLOWED_HOSTS to the host names of this service, separated by commas.")
if PRODUCTION and "*" in ALLOWED_HOSTS and not service.allow_any_host:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS=* lets anybody choose the host name in our links. Name the hosts, or set ALLOW_ANY_HOST=true"
        " where a proxy in front lets no other name pass."
    )

PUBLIC_URL = service.public_url.rstrip("/")
if PRODUCTION and not PUBLIC_URL:
    PUBLIC_URL = next((f"https://{host}" for host in ALLOWED_HOSTS if not host.startswith((".", "*"))), "")
if PUBLIC_URL and not re.fullmatch(rf"http{'s' if PRODUCTION else 's?'}://[^\s/?#@]+(/[^\s?#]+)?", PUBLIC_URL):
    raise ImproperlyConfigured(
        "PUBLIC_URL is not an https:// URL without a query, such as https://accounts.example.org."
    )

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # In this order: oauth2_provider's admin loads ours, which replaces what social_django has registered.
    "social_django",
    "oauth2_provider",
    "accounts",
    "schema",
    "project",
    "corsheaders",
    "strawberry_django",
]

MIDDLEWARE = [
    "project.request_log.RequestLogMiddleware",
    "project.middleware.HeadMiddleware",
    # SecurityMiddleware first: an answer of CorsMiddleware carries its headers too.
    "django.middleware.security.SecurityMiddleware",
    "project.middleware.PolicyMiddleware",
    "project.middleware.HeaderSizeMiddleware",
    "project.middleware.ExactCookiesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "project.static_files.StaticFilesMiddleware",
    "project.middleware.LanguageMiddleware",
    "project.middleware.AdministrationSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "project.middleware.AdministrationAuthenticationMiddleware",
    "project.middleware.OriginMiddleware",
    "project.middleware.AdministrationMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "project.middleware.DatabaseAwayMiddleware",
]

no_geometry.block()

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "schema" / "templates", BASE_DIR / "project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Serving ---------------------------------------------------------------------------------------------------------

METRICS_TOKENS = service.metrics_tokens
OTEL_ENDPOINT, OTEL_SERVICE_NAME = service.otel_endpoint, service.otel_service_name
env.prefixed("OTEL_")  # the others are read by OpenTelemetry
HOST, PORT, WORKERS, THREADS = service.host, service.port, service.workers, service.threads
SHUTDOWN_DELAY = service.shutdown_delay
BIND = f"[{HOST}]:{PORT}" if ":" in HOST else f"{HOST}:{PORT}"
"""In gunicorn's form, with an IPv6 address in brackets."""

SCRIPT_NAME = proxies.script_name.rstrip("/")
FORCE_SCRIPT_NAME = SCRIPT_NAME or None
TRUSTED_PROXIES = proxies.trusted_proxies
CLIENT_ADDRESS_HEADER = proxies.client_address_header
USE_X_FORWARDED_HOST = proxies.use_x_forwarded_host
if not TRUSTED_PROXIES:
    for name, is_set in (
        ("BEHIND_TLS_PROXY", proxies.behind_tls_proxy),
        ("USE_X_FORWARDED_HOST", USE_X_FORWARDED_HOST),
        ("CLIENT_ADDRESS_HEADER", env.sets("CLIENT_ADDRESS_HEADER")),
    ):
        if is_set:
            raise ImproperlyConfigured(f"{name} takes a header of proxies: set TRUSTED_PROXIES to their networks.")

# Data ------------------------------------------------------------------------------------------------------------

DATABASE = {**data.database, "ATOMIC_REQUESTS": False}
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    in_code = DATABASE["NAME"] != ":memory:" and Path(DATABASE["NAME"]).resolve().is_relative_to(BASE_DIR)
    if PRODUCTION and in_code and not data.allow_sqlite_in_code:
        raise ImproperlyConfigured(
            "DATABASE_URL leaves the accounts in a file beside the code, which the next deployment replaces. Name a"
            " PostgreSQL database or a file elsewhere, or set ALLOW_SQLITE_IN_CODE=true."
        )
    # Without these, simultaneous refreshes end in "database is locked".
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
    # Seconds. Opening the file for each request would cost as much as the request. Each thread goes on so long with a
    # file that was replaced: operators stop the service before.
    DATABASE["CONN_MAX_AGE"] = 60
else:
    DATABASE["ENGINE"] = "project.postgresql"
    DATABASE.setdefault("CONN_HEALTH_CHECKS", True)
    options = DATABASE.setdefault("OPTIONS", {})
    # A network that drops packets without a word would hold a thread for a quarter of an hour: 15 s and 10 s (S92).
    for name, value in {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }.items():
        options.setdefault(name, value)
    # PostgreSQL plans each of our statements a few times, and not at each execution.
    options.setdefault("server_side_binding", True)
    # A connection pooler between transactions, for which this flag is, may know no prepared statements.
    between_transactions = DATABASE.get("DISABLE_SERVER_SIDE_CURSORS", False)
    options.setdefault("prepare_threshold", None if between_transactions else 5)
    # Threads that keep a connection each would never share theirs when the database has no more.
    if options.setdefault("pool", "CONN_MAX_AGE" not in DATABASE):
        options["pool"] = {
            "min_size": 1,
            # A connection for each thread, since each serves one request, and one to send mails.
            "max_size": max(THREADS, 4) + 1,
            # Seconds. A request without a connection by then is answered 503 (project/middleware.py).
            "timeout": 2,
            # Seconds of attempts to connect. Later ones begin with the next request; the pool itself would make pauses
            # that double, and notice only minutes later that the database is back.
            "reconnect_timeout": 2,
        }
        # Those of our backend find a broken connection more quickly than Django's.
        DATABASE["CONN_HEALTH_CHECKS"] = False
        # Django forbids persistent connections with a pool.
        if DATABASE.setdefault("CONN_MAX_AGE", 0) != 0:
            raise ImproperlyConfigured("DATABASE_URL: with pool=true, its conn_max_age can only be 0.")
    else:
        # A new connection for each request would cost more than the request.
        DATABASE.setdefault("CONN_MAX_AGE", 60)
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE = {**data.cache}
if CACHE["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHE["BACKEND"] = "project.cache.RedisCache"
    # Seconds. While Redis is down, one request in a while waits this long (project/cache.py).
    CACHE["OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, **CACHE.get("OPTIONS", {})}
CACHES = {"default": CACHE}

# Mails -----------------------------------------------------------------------------------------------------------

if mails.backend and env.sets("EMAIL_URL"):
    raise ImproperlyConfigured("EMAIL_BACKEND and EMAIL_URL are two ways to send mails. Set one of them.")
EMAIL_BACKEND = mails.backend or mails.server["BACKEND"]
if PRODUCTION and EMAIL_BACKEND in data_urls.PRINTING_BACKENDS:
    raise ImproperlyConfigured(
        f"{'EMAIL_BACKEND' if mails.backend else 'EMAIL_URL: outbox://'} prints codes and links. It is for development"
        " only."
    )
OUTBOX = EMAIL_BACKEND == data_urls.OUTBOX
"""Whether mails are kept for developers and shown at /dev/outbox."""
EMAIL_HOST, EMAIL_PORT = mails.server.get("HOST", ""), mails.server.get("PORT", 0)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mails.server.get("HOST_USER", ""), mails.server.get("HOST_PASSWORD", "")
EMAIL_USE_TLS, EMAIL_USE_SSL = mails.server.get("USE_TLS", False), mails.server.get("USE_SSL", False)
EMAIL_FILE_PATH = mails.server.get("FILE_PATH") or str(BASE_DIR / ".outbox")
EMAIL_TIMEOUT = 10
"""Seconds that the worker waits for each answer of the mail server."""
MAIL_IS_CONFIGURED = bool(mails.backend) or env.sets("EMAIL_URL")
MAIL_WORKER = mails.worker
# A variable would be text, which requests refuses at each mail.
ANYMAIL = {**env.prefixed("ANYMAIL_"), "REQUESTS_TIMEOUT": EMAIL_TIMEOUT}
if EMAIL_BACKEND.startswith("anymail."):
    INSTALLED_APPS.append("anymail")

# Accounts --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = [
    # Not DOT's OAuth2Backend: it would accept a Bearer token in place of a password.
    "accounts.passwords.sign_in.PasswordBackend",
]
PASSWORD_HASHERS = ["accounts.shared.hashers.ConfiguredArgon2Hasher", "accounts.shared.hashers.ClientSecretHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.validators.MinimumLengthValidator"},
    {"NAME": "accounts.passwords.validators.MaximumBytesValidator"},
    {"NAME": "accounts.passwords.validators.PredictablePasswordValidator"},
    {"NAME": "accounts.passwords.validators.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.validators.LeakedPasswordValidator"},
    {"NAME": "accounts.passwords.validators.StrengthValidator"},
    {
        "NAME": "accounts.passwords.validators.SimilarPasswordValidator",
        "OPTIONS": {"user_attributes": ["username", "email", "first_name", "last_name"]},
    },
]

local_hosts = variables.LOCAL_HOSTS if DEVELOPMENT else ()
local_bases = ("5173", f"{PORT}{SCRIPT_NAME}") if DEVELOPMENT else ()
with providers_file.named_in_refusals(os.environ):
    configured_providers = providers.configured(env)
LATCHKEY = env.read(
    Latchkey,
    development=DEVELOPMENT,
    public_urls=(PUBLIC_URL,) if PUBLIC_URL else tuple(f"http://{host}:{PORT}" for host in local_hosts),
    front_end_origins=browsers.cors_allowed_origins,
    default_client_redirect_uris=tuple(f"http://localhost:{base}/callback" for base in local_bases),
    limits=env.read(Limits),
    providers=configured_providers,
    provider_threads=max(1, THREADS // 4),
    # Neither all processors nor more than half of the threads are for passwords, waiting included (S92).
    hashing_slots=max(1, min(((os.cpu_count() or 1) - 1) // WORKERS, THREADS // 4)),
)
if LATCHKEY.mfa_required_for is MfaRequired.ALL and not env.sets("PASSWORD_MIN_LENGTH"):
    LATCHKEY = replace(LATCHKEY, password_min_length=SHORTEST_SECOND_OF_TWO)
    env.computed("PASSWORD_MIN_LENGTH", SHORTEST_SECOND_OF_TWO)
if LATCHKEY.front_end_url.partition(":")[0] not in {"", *browsers.allowed_redirect_uri_schemes}:
    raise ImproperlyConfigured("FRONT_END_URL has a scheme that is not among ALLOWED_REDIRECT_URI_SCHEMES.")
if PRODUCTION and any(origin.startswith("http://") for origin in LATCHKEY.passkey_origins):
    raise ImproperlyConfigured("PASSKEY_ORIGINS has an http:// origin. Passkeys need TLS, except in development.")
if unknown := set(LATCHKEY.mfa_trusted_providers) - {provider.name for provider in configured_providers}:
    raise ImproperlyConfigured(f"MFA_TRUSTED_PROVIDERS names {len(unknown)} that are no enabled providers.")
_mail_domain = next((host.lstrip(".") for host in ALLOWED_HOSTS if re.match("[.]?[A-Za-z]", host)), "localhost")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = mails.sender or formataddr((LATCHKEY.service_name, f"no-reply@{_mail_domain}"))
LATCHKEY = replace(LATCHKEY, hashing_queue=max(0, THREADS // 2 - LATCHKEY.hashing_slots))
if LATCHKEY.argon2_memory_cost < 8 * LATCHKEY.argon2_parallelism:
    # RFC 9106 §3.1. Otherwise each sign-in would fail.
    raise ImproperlyConfigured("ARGON2_MEMORY_COST is less than 8 for each lane of ARGON2_PARALLELISM.")

# OAuth -----------------------------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.Client"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "accounts.tokens.server.TokenServer",
    "OAUTH2_VALIDATOR_CLASS": "accounts.tokens.server.Validator",
    "OAUTH2_BACKEND_CLASS": "accounts.tokens.server.Core",
    "ACCESS_TOKEN_GENERATOR": "accounts.tokens.server.token_generator",
    "SCOPES_BACKEND_CLASS": "accounts.tokens.server.ScopesByClient",
    "SCOPES": {"account": "Use the whole account, as its holder does. For our own applications only."},
    "DEFAULT_SCOPES": ["account"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": LATCHKEY.access_token_lifetime,
    "REFRESH_TOKEN_EXPIRE_SECONDS": LATCHKEY.refresh_token_idle_lifetime,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": LATCHKEY.refresh_token_grace,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "CLIENT_SECRET_HASHER": "pbkdf2_sha256_random_secret",
    "ALLOWED_REDIRECT_URI_SCHEMES": [*browsers.allowed_redirect_uri_schemes],
    "PKCE_REQUIRED": True,
    "ACCESS_TOKEN_ADMIN_CLASS": "accounts.tokens.admin.TokenAdmin",
    "REFRESH_TOKEN_ADMIN_CLASS": "accounts.tokens.admin.TokenAdmin",
    "ID_TOKEN_ADMIN_CLASS": "accounts.tokens.admin.TokenAdmin",
    "GRANT_ADMIN_CLASS": "accounts.tokens.admin.TokenAdmin",
    "APPLICATION_ADMIN_CLASS": "accounts.tokens.admin.ClientAdmin",
} | {
    f"COMPLIANT_BCP_RFC9700_{gate}": True
    for gate in (
        "IMPLICIT_GRANT",
        "PASSWORD_GRANT",
        "PKCE_METHOD",
        "ACCESS_TOKEN_TRANSPORT",
        "AUTHZ_RESPONSE_ISS",
        "TOKEN_STORAGE",
        "REFRESH_TOKEN",
        "REDIRECT_URI_SCHEME",
        "REDIRECT_URI_MATCHING",
        "PKCE_REQUIRED",
    )
}
# E001 forbids a grace period with hashed tokens because the earlier pair cannot be read back. Ours is derived from
# the presented token instead (accounts/tokens/rotation.py), and tests verify that a repeated refresh returns it.
SILENCED_SYSTEM_CHECKS = ["oauth2_provider.E001"]

# HTTP ------------------------------------------------------------------------------------------------------------

CORS_ALLOWED_ORIGINS = [*browsers.cors_allowed_origins]
CSRF_TRUSTED_ORIGINS = [*browsers.csrf_trusted_origins]
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "x-requested-with",
    "x-request-id",
    "x-correlation-id",
    # Apollo Client, with clientAwareness too; Apollo Studio.
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "x-apollo-operation-id",
    "x-apollo-operation-type",
    "apollographql-client-name",
    "apollographql-client-version",
    # GraphQL Hive's clients.
    "graphql-client-name",
    "graphql-client-version",
    # Tracing: W3C (OpenTelemetry, Elastic), Sentry, Datadog, New Relic, B3 (Zipkin), AWS X-Ray, Jaeger, Google, Azure.
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-origin",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "newrelic",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-amzn-trace-id",
    "uber-trace-id",
    "x-cloud-trace-context",
    "request-id",
    "request-context",
    *(header.lower() for header in browsers.cors_allow_headers),
]
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate", "X-Request-ID"]
CORS_PREFLIGHT_MAX_AGE = 7200
CORS_URLS_REGEX = r"^/(graphql|o/).*$"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = browsers.secure_ssl_redirect
SECURE_HSTS_SECONDS = browsers.secure_hsts_seconds
SECURE_HSTS_INCLUDE_SUBDOMAINS = browsers.secure_hsts_include_subdomains
SECURE_HSTS_PRELOAD = browsers.secure_hsts_preload
if PRODUCTION:
    # These two bind the domain's other hosts, and so are off by default. That needs no warning.
    if not SECURE_HSTS_INCLUDE_SUBDOMAINS:
        SILENCED_SYSTEM_CHECKS.append("security.W005")
    if not SECURE_HSTS_PRELOAD:
        SILENCED_SYSTEM_CHECKS.append("security.W021")
SESSION_ENGINE = "project.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
if PRODUCTION:
    # The prefix keeps subdomains from planting a session of their own. Browsers store such a cookie for `/` only.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
else:
    SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{SCRIPT_NAME}/"
if proxies.behind_tls_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = LATCHKEY.max_body_bytes

# The rest --------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
# Those whose catalogues in accounts/locale/ are complete (tests/languages). How to add one: docs/mails.md.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français")]
# Else the catalogues of apps that are listed above ours would translate the words that we share with them.
LOCALE_PATHS = [BASE_DIR / "accounts" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# It compresses the admin's files when they are collected. The build has compressed its own.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MIMETYPES = {".ttf": "font/ttf", ".woff": "font/woff"}
# A new build shows without a restart.
WHITENOISE_AUTOREFRESH = DEVELOPMENT
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/(?:app|graphiql)/assets/"
"""Where Vite writes the files that it names by a hash of their content, and nothing else."""
# Built by `make frontend`; without it the service runs, and says what is missing.
STATICFILES_DIRS = [
    (name, built) for name in ("app", "graphiql") if (built := BASE_DIR / "frontend" / "dist" / name).is_dir()
]

LOGGING_CONFIG = "project.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "project.logs.JsonFormatter"}, "text": {"()": "project.logs.TextFormatter"}},
    "filters": {"request": {"()": "project.request_log.RequestFilter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": str(service.log_format), "filters": ["request"]}
    },
    "root": {"handlers": ["console"], "level": service.log_level},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # Security events are wanted whatever LOG_LEVEL says.
        "accounts.audit": {"level": "INFO"},
        # Logs errors that we log ourselves, with the values that were sent.
        "strawberry.execution": {"level": "CRITICAL"},
    },
}

env.computed("PUBLIC_URL", LATCHKEY.public_urls)
env.computed("EMAIL_FROM", DEFAULT_FROM_EMAIL)
UNREAD_VARIABLES = env.near_misses()
"""Variables that nothing reads, each with the one it probably means (check accounts.W001)."""

LOCAL_URL = f"http://localhost:{PORT}{SCRIPT_NAME}"
_built = {name for name, _ in STATICFILES_DIRS}
_missing = {name: "" if name in _built else "   (not built: make frontend)" for name in ("app", "graphiql")}
WELCOME = f"""
  Latchkey is ready.

  Front end    {LOCAL_URL}/{_missing["app"]}
  GraphiQL     {LOCAL_URL}/graphql{_missing["graphiql"]}
  Schema       {LOCAL_URL}/schema.graphql
  Admin        {LOCAL_URL}/admin/   (make an administrator: .venv/bin/python manage.py createsuperuser)
{f"  Mails        {LOCAL_URL}/dev/outbox" if OUTBOX else ""}

  A first mutation:

  mutation {{
    register(input: {{
      email: "ada@example.com", username: "ada", firstName: "Ada", password: "correct horse battery staple"
    }}) {{
      tokens {{ accessToken refreshToken expiresIn }}
      account {{ id email }}
      errors {{ code field message }}
    }}
  }}
"""
