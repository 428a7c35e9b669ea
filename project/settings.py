"""Everything a deployment decides, read from the environment (and from `.env` beside manage.py, for development).

`LATCHKEY_ENV` is `production` unless it says `development`. Production starts only with a SECRET_KEY of its own.
Each variable stands in the table of docs/settings.md.
"""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from accounts.conf import Latchkey, Limits, Visibility
from project import providers

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if dotenv := env.str("DOTENV", default=str(BASE_DIR / ".env")):
    environ.Env.read_env(dotenv)

LATCHKEY_ENV: str = env.str("LATCHKEY_ENV", default="production")
if LATCHKEY_ENV not in {"production", "development"}:
    raise ImproperlyConfigured("LATCHKEY_ENV is neither production nor development.")
DEVELOPMENT = LATCHKEY_ENV == "development"
PRODUCTION = not DEVELOPMENT

DEBUG = False
"""Never: its error pages show settings and local variables to whoever causes an error."""

SECRET_KEY: str = env.str("SECRET_KEY", default="").strip()
GUESSED_KEYS = ("change", "django-insecure")
if len(SECRET_KEY) < 32 or len(set(SECRET_KEY)) < 10 or SECRET_KEY.startswith(GUESSED_KEYS):  # noqa: PLR2004
    raise ImproperlyConfigured("Set SECRET_KEY to at least 32 random characters that no other service has.")

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]", "10.0.2.2"] if DEVELOPMENT else []
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=LOCAL_HOSTS)
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Set ALLOWED_HOSTS to the host names of this service, separated by commas.")

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
    "corsheaders",
    "strawberry_django",
]

MIDDLEWARE = [
    "project.request_log.RequestLogMiddleware",
    # SecurityMiddleware first: an answer of CorsMiddleware carries its headers too.
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "schema" / "templates"],
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

# Data ------------------------------------------------------------------------------------------------------------

DATABASE: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
DATABASE["ATOMIC_REQUESTS"] = False
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # Without these, simultaneous refreshes end in "database is locked".
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
else:
    # A new connection for each request would cost more than the request.
    DATABASE.setdefault("CONN_MAX_AGE", 60)
    DATABASE["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

HOST: str = env.str("HOST", default="127.0.0.1")
PORT: int = env.int("PORT", default=8000)
WORKERS: int = env.int("WORKERS", default=1)
"""Server processes. More than one needs a cache that they share (check accounts.E001)."""
THREADS: int = env.int("THREADS", default=8)
"""Per process."""

CACHE: dict[str, Any] = env.cache_url("CACHE_URL", default="locmemcache://")
if CACHE["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHE["BACKEND"] = "project.cache.RedisCache"
    # Seconds. Nobody waits longer for what may be lost.
    CACHE["OPTIONS"] = {"socket_connect_timeout": 1, "socket_timeout": 1, **CACHE.get("OPTIONS", {})}
CACHES = {"default": CACHE}

# Accounts --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = [
    # Not DOT's OAuth2Backend: it would accept a Bearer token in place of a password.
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["accounts.hashers.ConfiguredArgon2Hasher", "accounts.hashers.ClientSecretHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.validators.MinimumLengthValidator"},
    {"NAME": "accounts.validators.MaximumBytesValidator"},
    {"NAME": "accounts.validators.PredictablePasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "email", "first_name", "last_name"]},
    },
]

_default = Latchkey()
LATCHKEY = Latchkey(
    development=DEVELOPMENT,
    graphiql=env.bool("GRAPHIQL", default=DEVELOPMENT),
    introspection=env.bool("INTROSPECTION", default=DEVELOPMENT),
    default_client_id=env.str("OAUTH_CLIENT_ID", default=_default.default_client_id),
    default_client_name=env.str("OAUTH_CLIENT_NAME", default=_default.default_client_name),
    default_client_redirect_uris=tuple(
        env.list(
            "OAUTH_REDIRECT_URIS",
            default=[f"http://localhost:{port}/callback" for port in (5173, PORT)] if DEVELOPMENT else [],
        )
    ),
    access_token_lifetime=env.int("ACCESS_TOKEN_LIFETIME", default=_default.access_token_lifetime),
    access_token_jitter=env.int("ACCESS_TOKEN_JITTER", default=_default.access_token_jitter),
    refresh_token_idle_lifetime=env.int("REFRESH_TOKEN_IDLE_LIFETIME", default=_default.refresh_token_idle_lifetime),
    session_lifetime=env.int("SESSION_LIFETIME", default=_default.session_lifetime),
    password_min_length=env.int("PASSWORD_MIN_LENGTH", default=_default.password_min_length),
    argon2_time_cost=env.int("ARGON2_TIME_COST", default=_default.argon2_time_cost),
    argon2_memory_cost=env.int("ARGON2_MEMORY_COST", default=_default.argon2_memory_cost),
    argon2_parallelism=env.int("ARGON2_PARALLELISM", default=_default.argon2_parallelism),
    users_visibility=Visibility(env.str("USERS_VISIBILITY", default=_default.users_visibility)),
    public_names=env.bool("PUBLIC_NAMES", default=_default.public_names),
    providers=providers.configured(env),
    private_providers=env.bool("PRIVATE_PROVIDERS", default=DEVELOPMENT),
    trusted_documents=env.str("TRUSTED_DOCUMENTS", default=""),
    limits=Limits(
        depth=env.int("LIMIT_DEPTH", default=_default.limits.depth),
        fields=env.int("LIMIT_FIELDS", default=_default.limits.fields),
        aliases=env.int("LIMIT_ALIASES", default=_default.limits.aliases),
        directives=env.int("LIMIT_DIRECTIVES", default=_default.limits.directives),
        tokens=env.int("LIMIT_TOKENS", default=_default.limits.tokens),
        cost=env.int("LIMIT_COST", default=_default.limits.cost),
        query_bytes=env.int("LIMIT_QUERY_BYTES", default=_default.limits.query_bytes),
    ),
    max_body_bytes=env.int("LIMIT_BODY_BYTES", default=_default.max_body_bytes),
    id_token_max_age=env.int("ID_TOKEN_MAX_AGE", default=_default.id_token_max_age),
    social_flow_lifetime=env.int("SOCIAL_FLOW_LIFETIME", default=_default.social_flow_lifetime),
    challenge_lifetime=env.int("CHALLENGE_LIFETIME", default=_default.challenge_lifetime),
    jwks_refetch_interval=env.int("JWKS_REFETCH_INTERVAL", default=_default.jwks_refetch_interval),
    provider_timeout=env.float("PROVIDER_TIMEOUT", default=_default.provider_timeout),
)

# OAuth -----------------------------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.Client"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "accounts.bearer_tokens.server.TokenServer",
    "OAUTH2_VALIDATOR_CLASS": "accounts.bearer_tokens.server.Validator",
    "OAUTH2_BACKEND_CLASS": "accounts.bearer_tokens.server.Core",
    "ACCESS_TOKEN_GENERATOR": "accounts.bearer_tokens.server.access_token_generator",
    "REFRESH_TOKEN_GENERATOR": "accounts.bearer_tokens.server.refresh_token_generator",
    "SCOPES_BACKEND_CLASS": "accounts.bearer_tokens.server.ScopesByClient",
    "SCOPES": {"account": "Use the whole account, as its holder does. For our own applications only."},
    "DEFAULT_SCOPES": ["account"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": LATCHKEY.access_token_lifetime,
    "REFRESH_TOKEN_EXPIRE_SECONDS": LATCHKEY.refresh_token_idle_lifetime,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": LATCHKEY.refresh_token_grace,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "CLIENT_SECRET_HASHER": "pbkdf2_sha256_random_secret",
    "ALLOWED_REDIRECT_URI_SCHEMES": env.list(
        "ALLOWED_REDIRECT_URI_SCHEMES", default=["https", "http"] if DEVELOPMENT else ["https"]
    ),
    "PKCE_REQUIRED": True,
    # `/o/authorize/` is not mounted.
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": [],
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["refresh_token", "client_credentials"],
    "ACCESS_TOKEN_ADMIN_CLASS": "accounts.admin.TokenAdmin",
    "REFRESH_TOKEN_ADMIN_CLASS": "accounts.admin.TokenAdmin",
    "ID_TOKEN_ADMIN_CLASS": "accounts.admin.TokenAdmin",
    "GRANT_ADMIN_CLASS": "accounts.admin.TokenAdmin",
    "APPLICATION_ADMIN_CLASS": "accounts.admin.ClientAdmin",
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
# the presented token instead (accounts/bearer_tokens/server.py), and the tests hold that a repeat gets it.
SILENCED_SYSTEM_CHECKS = ["oauth2_provider.E001"]

# HTTP ------------------------------------------------------------------------------------------------------------

CORS_ALLOWED_ORIGINS: list[str] = env.list(
    "CORS_ALLOWED_ORIGINS",
    default=[f"http://localhost:{port}" for port in (5173, 3000, 8081)] if DEVELOPMENT else [],
)
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "x-requested-with",
    "traceparent",
    "tracestate",
    "sentry-trace",
    "baggage",
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
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEVELOPMENT else 365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = LATCHKEY.max_body_bytes

# The rest --------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
# Built by `make frontend`; without it the service runs, and says what is missing.
STATICFILES_DIRS = [
    (name, built) for name in ("app", "graphiql") if (built := BASE_DIR / "frontend" / "dist" / name).is_dir()
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {request_id} {name}: {message}", "style": "{"}},
    "filters": {"request": {"()": "project.request_log.RequestFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # Logs errors that we log ourselves, with the values that were sent.
        "strawberry.execution": {"level": "CRITICAL"},
    },
}

WELCOME = f"""
  Latchkey is ready.

  GraphiQL     http://localhost:{PORT}/graphql
  Schema       http://localhost:{PORT}/schema.graphql
  Admin        http://localhost:{PORT}/admin/   (make an administrator: .venv/bin/python manage.py createsuperuser)

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
