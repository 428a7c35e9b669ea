"""The value in force is the value that was written, for every variable; what is none is refused by name."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from email.utils import parseaddr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote
from urllib.request import Request, urlopen

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.conf import SIGNATURES, Limits
from project import data_urls
from project.environment import Environment, read_dotenv
from schema.checks import trusted_documents_can_be_read
from tests.live import fresh_database, serving
from tests.project.settings_page import ALL
from tests.project.test_settings import KEY, PRODUCTION, ROOT, found_by_checks, manage
from tests.project.test_settings import loaded as production
from tests.providers.keys import key

Settings = dict[str, Any]

TABLE = [setting.variable for setting in ALL]
LARGEST = 2**31 - 1
BASE = {
    **PRODUCTION,
    "GOOGLE_CLIENT_IDS": "g",
    "APPLE_CLIENT_IDS": "a",
    "FACEBOOK_APP_ID": "f",
    "FACEBOOK_APP_SECRET": "f",
    "MICROSOFT_CLIENT_IDS": "m",
    "GITHUB_CLIENT_ID": "h",
    "GITHUB_CLIENT_SECRET": "h",
    "OPENID_PROVIDERS": "corp",
    "OPENID_CORP_ISSUER": "https://idp.example",
    "OPENID_CORP_CLIENT_IDS": "c",
}

# No surrogates, as the environment has none, and no NUL.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
text = st.text(characters, min_size=1, max_size=40)
# On one line.
line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), min_size=1, max_size=40)
item = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n,"), max_size=20).map(str.strip)
items = st.lists(item.filter(bool), max_size=4)


def loaded(**environment: str | None) -> Settings:
    """The settings in production with all providers, and with these changes."""
    return production(**{**BASE, **environment})


@contextmanager
def env_file(content: bytes) -> Iterator[str]:
    """The path of such a `.env`."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "odd.env"
        path.write_bytes(content)
        yield str(path)


@dataclass(frozen=True)
class Variable:
    """What a variable takes, how it is written, and where its value ends."""

    read: Callable[[Settings], Any]
    values: st.SearchStrategy[Any] = text
    write: Callable[[Any], str] = str
    refused: tuple[str, ...] = ()
    beside: dict[str, str] = field(default_factory=dict)


def provider(name: str, attribute: str) -> Callable[[Settings], Any]:
    """An attribute of a provider, such as `endpoints.api`."""

    def read(s: Settings) -> Any:
        value: Any = next(one for one in s["LATCHKEY"].providers if one.name == name)
        for part in attribute.split("."):
            value = getattr(value, part)
        return value

    return read


def own(attribute: str) -> Callable[[Settings], Any]:
    """An attribute of LATCHKEY."""

    def read(s: Settings) -> Any:
        value = s["LATCHKEY"]
        for part in attribute.split("."):
            value = getattr(value, part)
        return value

    return read


def listed(read: Callable[[Settings], Any], values: st.SearchStrategy[Any] = items, **more: Any) -> Variable:
    """A list, written with blanks after its commas."""
    return Variable(lambda s: [*read(s)], values, " , ".join, **more)


def number(read: Callable[[Settings], Any], low: int = 1, high: int = LARGEST, **more: Any) -> Variable:
    """A whole number."""
    refused = ("", "two", "1.5", "1e3", "15m", "1_000", "\u0663", "0x10", str(high + 1), str(low - 1))
    return Variable(read, st.integers(low, high), refused=refused, **more)


def switch(read: Callable[[Settings], Any], **more: Any) -> Variable:
    """True or false."""
    write = {True: "true", False: " False "}.__getitem__
    return Variable(read, st.booleans(), write, refused=("", "perhaps", "2", "ja", "t rue"), **more)


def web(read: Callable[[Settings], Any]) -> Variable:
    """A URL of another service."""
    good = st.sampled_from(["https://x.example", "http://127.0.0.1:9/a", "https://x.example/b/"])
    refused = (
        "",
        "nonsense",
        "x.example",
        "https:///x",
        "ftp://x.example",
        "https://x y",
        "https://x?y",
        "https://x/#y",
    )
    return Variable(read, good, refused=refused)


def chosen(read: Callable[[Settings], Any], *values: str, **more: Any) -> Variable:
    """One of several."""
    return Variable(read, st.sampled_from(values), refused=("", "nonsense", values[0].title(), f"{values[0]} "), **more)


HOSTS = ("https://api.example.com", "api.example.com:8000", "api.example.com/x", "::1", "b\u00fccher.example", "a b")
GOOD_ORIGINS = ["https://app.example.com", "http://localhost:5173", "capacitor://localhost", "http://[::1]:3000"]
BAD_ORIGINS = (
    "front.example", "https://app.example.com/", "https://App.example.com", "HTTPS://a.example", "null", "*", "x://",
    "https://a.example:443", "http://a.example:80", "https://u@a.example", "https://a.example?x", "https://b\u00fccher.example",
)  # fmt: skip
host = st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True)
FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(200, 232))
"""Of the certificate of an Android app."""
VARIABLES: dict[str, Variable] = {
    "LATCHKEY_ENV": chosen(lambda s: s["LATCHKEY_ENV"], "production", "development"),
    "DOTENV": Variable(lambda s: str(s["dotenv"]), st.just(os.devnull), refused=("/no/such/file",)),
    "SECRET_KEY": Variable(
        lambda s: s["SECRET_KEY"],
        text.map(lambda t: f" {t}{KEY}{t} "),
        refused=("", "short", "x" * 50, "change-me-change-me-change-me-change-me"),
    ),
    "ALLOWED_HOSTS": listed(
        lambda s: s["ALLOWED_HOSTS"], st.lists(host, min_size=1), refused=("", " , ", "*", "a,*", *HOSTS)
    ),
    "ALLOW_ANY_HOST": switch(lambda s: s["service"].allow_any_host),
    "PUBLIC_URL": Variable(
        lambda s: s["LATCHKEY"].public_urls[0], st.just("https://id.example/a"), refused=("http://a", "x", " ")
    ),
    "DATABASE_URL": Variable(
        lambda s: s["DATABASE"]["PASSWORD"],
        text,
        lambda t: "postgres://u:" + "".join(f"%{byte:02x}" for byte in t.encode()) + "@h/n",
        refused=(
            "",
            "nonsense",
            "mysql://u:p@h/n",
            "postgres://",
            "postgres://h:http/n",
            "postgres://h:99999/n",
            "postgres://h",
            "postgres://h/n?pool=perhaps",
            "postgres://h/n?pool=true&conn_max_age=60",
            "postgres://h/n?conn_max_age=long",
            "postgres://h/n?prepare_threshold=never",
            "postgres://u:p#%41@h/n",
            "postgres://u:%ff@h/n",
            "postgres://h/n?x",
            "sqlite://host/x",
            "sqlite:/x",
            "sqlite:///x?timeout=3",
            "sqlite:///db.sqlite3",
        ),
    ),
    "ALLOW_SQLITE_IN_CODE": switch(lambda s: s["data"].allow_sqlite_in_code),
    "CACHE_URL": Variable(
        lambda s: s["CACHES"]["default"]["KEY_PREFIX"],
        text,
        lambda t: "redis://h/1?key_prefix=" + "".join(f"%{byte:02x}" for byte in t.encode()),
        refused=(
            "",
            "nonsense",
            "memcached://h",
            "redis://h/one",
            "redis://h:http/1",
            "redis://h/1?timeout=long",
            "redis+sentinel://h",
            "redis+sentinel://h/0/mymaster",
            "redis+sentinel:///mymaster",
            "sentinel://h/mymaster",
        ),
    ),
    "HOST": Variable(
        lambda s: s["BIND"].removesuffix(":8000"),
        st.sampled_from(["0.0.0.0", "127.0.0.1", "localhost", "[::1]", "[2001:db8::1]"]),  # noqa: S104 - nobody listens
        refused=("", "h:80", "http://h", "a b", "1::g", "1:2", ":", "[::", "[1.2.3.4]", "1.2.3", "fe80::1%eth0"),
    ),
    "PORT": number(lambda s: s["PORT"], high=65535),
    "WORKERS": number(lambda s: s["WORKERS"]),
    "THREADS": number(lambda s: s["THREADS"]),
    "SHUTDOWN_DELAY": number(lambda s: s["SHUTDOWN_DELAY"], low=0, high=600),
    "TRUSTED_PROXIES": Variable(
        lambda s: str(s["TRUSTED_PROXIES"]),
        st.integers(0, 32).map(str) | st.sampled_from(["10.0.0.0/8,fd00::/8", "192.0.2.7/32,unix", "unix"]),
        lambda networks: networks.replace(",", " , "),
        refused=(
            "",
            " , ",
            "33",
            "-1",
            "1.5",
            "two",
            "1e3",
            "0x10",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "10.0.0.0/8,::/0",
            "10.0.0.0/33",
            "nginx",
            "unix:/run/x",
            "fe80::1%eth0",
            "1,2",
        ),
    ),
    "CLIENT_ADDRESS_HEADER": Variable(
        lambda s: s["CLIENT_ADDRESS_HEADER"],
        st.just("CF-Connecting-IP"),
        refused=("", "X Real", "X_REAL_IP"),
        beside={"TRUSTED_PROXIES": "1"},
    ),
    "USE_X_FORWARDED_HOST": switch(lambda s: s["USE_X_FORWARDED_HOST"], beside={"TRUSTED_PROXIES": "1"}),
    "SCRIPT_NAME": Variable(
        lambda s: s["FORCE_SCRIPT_NAME"],
        st.sampled_from(["/auth", "/a/b.c"]),
        refused=("auth", "//a", "/a b", "/a?", "/ä"),
    ),
    "CSRF_TRUSTED_ORIGINS": listed(
        lambda s: s["CSRF_TRUSTED_ORIGINS"],
        st.lists(st.sampled_from([*GOOD_ORIGINS, "https://*.example.com"])),
        refused=BAD_ORIGINS,
    ),
    "CORS_ALLOW_HEADERS": Variable(
        lambda s: s["CORS_ALLOW_HEADERS"][-1], st.just("x-tenant"), str.upper, ("x y", "*", "x:")
    ),
    "OAUTH_CLIENT_ID": Variable(own("default_client_id"), refused=("",)),
    "OAUTH_CLIENT_NAME": Variable(own("default_client_name"), refused=("",)),
    "OAUTH_REDIRECT_URIS": listed(own("default_client_redirect_uris")),
    "ALLOWED_REDIRECT_URI_SCHEMES": listed(
        lambda s: s["OAUTH2_PROVIDER"]["ALLOWED_REDIRECT_URI_SCHEMES"],
        st.lists(st.sampled_from(["https", "com.example.app", "X+y-1"]), min_size=1),
        refused=("", "https://", "com example"),
    ),
    "ACCESS_TOKEN_LIFETIME": number(own("access_token_lifetime"), low=-LARGEST),
    "ACCESS_TOKEN_JITTER": number(own("access_token_jitter"), low=-LARGEST),
    "REFRESH_TOKEN_IDLE_LIFETIME": number(own("refresh_token_idle_lifetime"), low=-LARGEST),
    "SESSION_LIFETIME": number(own("session_lifetime"), low=-LARGEST),
    "SESSIONS_PER_ACCOUNT": number(own("sessions_per_account")),
    "REAUTHENTICATION_LIFETIME": number(own("reauthentication_lifetime")),
    "PASSWORD_MIN_LENGTH": number(own("password_min_length")),
    "LEAKED_PASSWORDS": Variable(own("leaked_passwords")),
    "ARGON2_TIME_COST": number(own("argon2_time_cost")),
    "ARGON2_MEMORY_COST": number(own("argon2_memory_cost"), low=8),
    "ARGON2_PARALLELISM": number(own("argon2_parallelism"), beside={"ARGON2_MEMORY_COST": "80"}, high=10),
    "HASHING_SLOTS": number(own("hashing_slots")),
    "RATE_LIMITS": Variable(
        lambda s: str(s["LATCHKEY"].rate_limits["sign_in.address"]),
        st.sampled_from(["7/1m", "100/15m", "1/30d", "9999999/1s"]),
        lambda rate: f"register.global=off , sign_in.address = {rate},",
        refused=(
            "sign_in.address",
            "sign_in=1/1m",
            "sign_in.adress=1/1m",
            "sign_in.address=0/1m",
            "sign_in.address=1",
            "sign_in.address=1/1w",
            "sign_in.address=1/31d",
            "sign_in.address=-1/1m",
            "sign_in.address=OFF",
            "sign_in.address=1/1m,sign_in.address=off",
            "sign_in.address=1/1m;register.global=off",
            "export.global=1/1m",
        ),
    ),
    "EMAIL_URL": Variable(
        lambda s: s["EMAIL_HOST_PASSWORD"],
        text,
        lambda t: "smtp://u:" + "".join(f"%{byte:02x}" for byte in t.encode()) + "@h",
        refused=(
            "",
            "nonsense",
            "http://h",
            "smtp://",
            "smtp://a,b",
            "smtp://h\n",
            "smtp://h%20h",
            "smtp://u@h",
            "smtp://:p@h",
            "smtp://h/path",
            "smtp://h:http",
            "smtp://h:99999",
            "smtp://h?starttls=perhaps",
            "smtp://h?ssl=true",
            "smtps://h?starttls=true",
            "smtp://u:p#%41@h",
            "smtp://u:%ff@h",
        ),
    ),
    "EMAIL_BACKEND": Variable(
        lambda s: s["EMAIL_BACKEND"],
        st.just("django.core.mail.backends.dummy.EmailBackend"),
        refused=("", "smtp", "a b.c", "no_such_package.Backend"),
    ),
    "EMAIL_FROM": Variable(
        lambda s: s["DEFAULT_FROM_EMAIL"],
        st.sampled_from(["a@b.example", "Ärzte & Co <no-reply@b.example>"]),
        refused=(
            "",
            "nobody",
            "a@b@c",
            "A <a@b",
            "A <a@b> x",
            "a b@c",
            "A\nBcc: x@y.example <a@b>",
            "a;b@c",
            "ä@b",
            "a@b_.c",
        ),
    ),
    "METRICS_TOKENS": listed(
        lambda s: s["METRICS_TOKENS"],
        st.lists(item.map(lambda t: f"{KEY}{t}"), max_size=3),
        refused=("short", f"{KEY},short", "x" * 40, f"{KEY[:31]}"),
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Variable(
        lambda s: s["OTEL_ENDPOINT"],
        st.sampled_from(["http://127.0.0.1:4318", "https://otel.example/v1", ""]),
        refused=("127.0.0.1:4318", "grpc://x", "http://a b", "http://a?b=c"),
    ),
    "OTEL_SERVICE_NAME": Variable(lambda s: s["OTEL_SERVICE_NAME"], line, refused=("",)),
    "MAIL_WORKER": switch(lambda s: s["MAIL_WORKER"]),
    "SERVICE_NAME": Variable(
        own("service_name"), st.sampled_from(["Example", "Ärzte & Co"]), refused=("", " ", "a\nb")
    ),
    "MAIL_TEMPLATES": Variable(own("mail_templates")),
    "REGISTRATION_OPEN": switch(own("registration_open")),
    "EMAIL_VERIFICATION": chosen(own("email_verification"), "mandatory", "optional", "none"),
    "EMAIL_VERIFICATION_LIFETIME": number(own("email_verification_lifetime"), low=60),
    "SIGN_IN_BY_MAIL": switch(own("sign_in_by_mail")),
    "SECRET_KEY_FALLBACKS": listed(
        lambda s: s["SECRET_KEY_FALLBACKS"],
        st.lists(item.map(lambda t: f"{KEY}{t}"), max_size=3),
        refused=("short", f"{KEY},short", "x" * 40, f"{KEY[:31]}", f"django-insecure-{KEY}"),
    ),
    "MAILED_CODE_KEYS": listed(
        own("mailed_code_keys"),
        st.lists(item.map(lambda t: f"{KEY}{t}"), max_size=3),
        refused=("short", f"{KEY},short", "x" * 40, f"{KEY[:31]}"),
    ),
    "MAILED_CODE_DIGITS": Variable(
        own("mailed_code_digits"), st.sampled_from([0, 6, 8, 10]), refused=("", "5", "11", "06", "-6", "six")
    ),
    "MAILED_CODE_LIFETIME": number(own("mailed_code_lifetime"), low=60),
    "FRONT_END_URL": Variable(
        own("front_end_url"),
        st.sampled_from(["https://www.example.com", "https://example.com/app/"]),
        refused=("front.example", "https://a?b", "https://a#b", "https://u@a", "http://a.example", "javascript:/x"),
    ),
    "DELETION_GRACE_DAYS": number(own("deletion_grace_days"), low=0, high=365),
    "PASSWORD_MIN_STRENGTH": number(own("password_min_strength"), low=0, high=4),
    "AUDIT_RETENTION_DAYS": number(own("audit_retention_days"), low=0, high=100 * 365),
    "RESERVED_USERNAMES": listed(own("reserved_usernames")),
    "USERNAME_CHANGE_INTERVAL": number(own("username_change_interval"), low=0),
    "MFA_KEYS": listed(
        own("mfa_keys"),
        st.lists(item.map(lambda t: f"{KEY}{t}"), max_size=3),
        refused=("short", f"{KEY},short", "x" * 40, f"{KEY[:31]}", f"change-me-{KEY}"),
    ),
    "MFA_REQUIRED_FOR": chosen(own("mfa_required_for"), "all", "staff", "none"),
    "MFA_TRUSTED_PROVIDERS": listed(
        own("mfa_trusted_providers"),
        st.lists(st.sampled_from(["google-oauth2", "microsoft", "corp"])),
        refused=("google", "corp,nobody", "Corp", "https://idp.example"),
    ),
    "MFA_REMEMBER_DAYS": number(own("mfa_remember_days"), low=0, high=365),
    "MFA_RESET_DELAY_HOURS": number(own("mfa_reset_delay_hours"), low=0, high=30 * 24),
    "PASSKEY_RP_ID": Variable(
        own("passkey_rp_id"),
        st.sampled_from(["example.com", "id.example.com", "localhost", "xn--bcher-kva.example", "a.b-c.example"]),
        refused=(
            "https://example.com",
            "example.com:443",
            "example.com/",
            "intranet",
            "127.0.0.1",
            "::1",
            "[::1]",
            "Example.com",
            ".example.com",
            "a.example.",
            "a..example",
            "-a.example",
            "b\u00fccher.example",
            "example.com,example.org",
            " a.example",
            "*.example.com",
            f"{'a' * 64}.example",
        ),
    ),
    "PASSKEY_ORIGINS": listed(
        own("passkey_origins"),
        st.lists(
            st.sampled_from(
                [
                    "https://example.com",
                    "https://a.example:8443",
                    "https://localhost",
                    f"android:apk-key-hash:{'aB-_9' * 8}xyz",
                ]
            )
        ),
        refused=(
            "example.com",
            "https://example.com/",
            "https://Example.com",
            "https://a.example:443",
            "https://a.example:",
            "https://a.example:0",
            "https://*.example.com",
            "https://u@a.example",
            "https://127.0.0.1",
            "https://[::1]",
            "null",
            "http://a.example",
            "http://localhost:5173",
            "capacitor://localhost",
            "https://a.example,http://b.example",
            "android:apk-key-hash:short",
            f"android:apk-key-hash:{'a' * 44}",
            f"android:apk-key-hash:{'a' * 42}=",
            f"android:apk-key-hash:{'+' * 43}",
            f"ios:bundle-id:{'a' * 43}",
        ),
    ),
    "ANDROID_APPS": Variable(
        lambda s: ",".join(map(str, s["LATCHKEY"].android_apps)),
        st.sampled_from(
            [f"com.example.app={FINGERPRINT}", f"com.example.a={FINGERPRINT},org.b.c2={FINGERPRINT[::-1]}"]
        ),
        lambda apps: apps.replace(",", " , "),
        refused=(
            "com.example.other",
            f"com.example.app={FINGERPRINT[:-1]}",
            f"com.example.app={FINGERPRINT}:00",
            f"app={FINGERPRINT}",
            f"com.example-app={FINGERPRINT}",
            "com.example.app=" + FINGERPRINT.replace(":", ""),
            f"com.example.app={FINGERPRINT};com.example.b={FINGERPRINT}",
        ),
    ),
    "APPLE_APPS": listed(
        own("apple_apps"),
        st.lists(st.sampled_from(["A1B2C3D4E5.com.example.app", "0123456789.com.Example.App-2"])),
        refused=(
            "com.example.other",
            "Z1B2C3D4E5",
            "A1B2C3D4E.com.example",
            "a1b2c3d4e5.com.example",
            "A1B2C3D4E5.com.*",
        ),
    ),
    "USERS_VISIBILITY": chosen(own("users_visibility"), "public", "authenticated", "staff"),
    "PUBLIC_NAMES": switch(own("public_names")),
    "GRAPHIQL": switch(own("graphiql")),
    "INTROSPECTION": switch(own("introspection")),
    "TRUSTED_DOCUMENTS": Variable(own("trusted_documents")),
    **{f"LIMIT_{f.name.upper()}": number(own(f"limits.{f.name}")) for f in fields(Limits)},
    "LIMIT_BODY_BYTES": number(own("max_body_bytes")),
    "GOOGLE_CLIENT_IDS": listed(provider("google-oauth2", "client_ids"), items.filter(bool)),
    "GOOGLE_CLIENT_SECRET": Variable(provider("google-oauth2", "client_secret")),
    "GOOGLE_SCOPES": listed(provider("google-oauth2", "scopes")),
    "GOOGLE_NONCE_REQUIRED": switch(provider("google-oauth2", "nonce_required")),
    "GOOGLE_ISSUER": web(provider("google-oauth2", "issuer")),
    "GOOGLE_TOKENINFO_URL": web(provider("google-oauth2", "endpoints.tokeninfo")),
    "GOOGLE_USERINFO_URL": web(provider("google-oauth2", "endpoints.userinfo")),
    "APPLE_CLIENT_IDS": listed(provider("apple-id", "client_ids"), items.filter(bool)),
    "APPLE_TEAM_ID": Variable(provider("apple-id", "team_id")),
    "APPLE_KEY_ID": Variable(provider("apple-id", "key_id")),
    "APPLE_PRIVATE_KEY": Variable(
        provider("apple-id", "private_key"),
        st.builds(lambda: key("apple-client-secret", "ES256").pem),
        lambda pem: pem.replace("\n", "\\n"),
        refused=("hush", "/keys/apple.p8"),
    ),
    "APPLE_NONCE_REQUIRED": switch(provider("apple-id", "nonce_required")),
    "APPLE_ISSUER": web(provider("apple-id", "issuer")),
    "FACEBOOK_APP_ID": Variable(lambda s: provider("facebook", "client_ids")(s)[0]),
    "FACEBOOK_APP_SECRET": Variable(provider("facebook", "client_secret")),
    "FACEBOOK_SCOPES": listed(provider("facebook", "scopes")),
    "FACEBOOK_NONCE_REQUIRED": switch(provider("facebook", "nonce_required")),
    "FACEBOOK_ISSUER": web(provider("facebook", "issuer")),
    "FACEBOOK_GRAPH_URL": web(provider("facebook", "endpoints.api")),
    "FACEBOOK_DIALOG_URL": web(provider("facebook", "endpoints.authorization")),
    "MICROSOFT_CLIENT_IDS": listed(provider("microsoft", "client_ids"), items.filter(bool)),
    "MICROSOFT_CLIENT_SECRET": Variable(provider("microsoft", "client_secret")),
    "MICROSOFT_SCOPES": listed(provider("microsoft", "scopes")),
    "MICROSOFT_NONCE_REQUIRED": switch(provider("microsoft", "nonce_required")),
    "MICROSOFT_ISSUER": web(provider("microsoft", "issuer")),
    "GITHUB_CLIENT_ID": Variable(lambda s: provider("github", "client_ids")(s)[0]),
    "GITHUB_CLIENT_SECRET": Variable(provider("github", "client_secret")),
    "GITHUB_SCOPES": listed(provider("github", "scopes")),
    "GITHUB_URL": web(lambda s: provider("github", "endpoints.token")(s).removesuffix("/login/oauth/access_token")),
    "GITHUB_API_URL": web(provider("github", "endpoints.api")),
    "PROVIDERS_FILE": Variable(
        lambda s: str(s["providers_file"].path), st.just(os.devnull), refused=("/no/such/file",)
    ),
    "OPENID_PROVIDERS": Variable(
        lambda s: s["LATCHKEY"].providers[-1].name, st.just("corp"), refused=("Corp", "corp, corp", "google", "nobody")
    ),
    "OPENID_<NAME>_ISSUER": web(provider("corp", "issuer")),
    "OPENID_<NAME>_CLIENT_IDS": listed(provider("corp", "client_ids"), items.filter(bool), refused=("", ",")),
    "OPENID_<NAME>_CLIENT_SECRET": Variable(provider("corp", "client_secret")),
    "OPENID_<NAME>_TOKEN_AUTH_METHOD": chosen(
        provider("corp", "token_auth_method"), "client_secret_basic", "client_secret_post"
    ),
    "OPENID_<NAME>_LABEL": Variable(provider("corp", "label"), refused=("",)),
    "OPENID_<NAME>_SCOPES": listed(provider("corp", "scopes")),
    "OPENID_<NAME>_NONCE_REQUIRED": switch(provider("corp", "nonce_required")),
    "OPENID_<NAME>_ALGORITHMS": listed(
        provider("corp", "algorithms"), st.lists(st.sampled_from(SIGNATURES), min_size=1), refused=("", "HS256", "none")
    ),
    "OPENID_<NAME>_INTROSPECTION": switch(provider("corp", "introspection")),
    "PRIVATE_PROVIDERS": switch(own("private_providers")),
    "ID_TOKEN_MAX_AGE": number(own("id_token_max_age")),
    "SOCIAL_FLOW_LIFETIME": number(own("social_flow_lifetime")),
    "CHALLENGE_LIFETIME": number(own("challenge_lifetime")),
    "JWKS_REFETCH_INTERVAL": number(own("jwks_refetch_interval"), low=0),
    "PROVIDER_TIMEOUT": Variable(
        own("provider_timeout"),
        st.floats(0.001, 1000).map(lambda f: round(f, 3)),
        refused=("", "5s", "1,5", "0", "-1", "inf", "nan", "1e3"),
    ),
    "CORS_ALLOWED_ORIGINS": listed(
        lambda s: s["CORS_ALLOWED_ORIGINS"],
        st.lists(st.sampled_from(GOOD_ORIGINS)),
        refused=(*BAD_ORIGINS, "https://*.example.com"),
    ),
    "BEHIND_TLS_PROXY": switch(lambda s: "SECURE_PROXY_SSL_HEADER" in s, beside={"TRUSTED_PROXIES": "1"}),
    "SECURE_SSL_REDIRECT": switch(lambda s: s["SECURE_SSL_REDIRECT"]),
    "SECURE_HSTS_SECONDS": number(lambda s: s["SECURE_HSTS_SECONDS"], low=0),
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": switch(lambda s: s["SECURE_HSTS_INCLUDE_SUBDOMAINS"]),
    "SECURE_HSTS_PRELOAD": switch(lambda s: s["SECURE_HSTS_PRELOAD"]),
    "LOG_FORMAT": chosen(lambda s: s["LOGGING"]["handlers"]["console"]["formatter"], "json", "text"),
    "LOG_LEVEL": chosen(lambda s: s["LOGGING"]["root"]["level"], "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
}


def written(name: str) -> str:
    """The variable's name, of the one provider here."""
    return name.replace("<NAME>", "CORP")


def test_every_variable_of_the_table_is_tried():
    """And no other."""
    assert sorted(VARIABLES) == sorted(TABLE)


def test_the_settings_read_every_declared_variable_and_no_other():
    """A declaration outside the printed groups would be missing in docs/settings.md."""
    assert loaded()["env"].known == {written(name) for name in TABLE}


@pytest.mark.parametrize("name", VARIABLES)
@given(data=st.data())
@settings(max_examples=12)
def test_the_value_in_force_is_the_value_in_the_environment(name, data):
    """Whatever its characters: `$`, quotes, `#`, blanks, backslashes, line ends."""
    variable = VARIABLES[name]
    value = data.draw(variable.values)

    in_force = variable.read(loaded(**variable.beside, **{written(name): variable.write(value)}))

    assert in_force == value


@pytest.mark.parametrize("name", sorted(set(VARIABLES) - {"DOTENV"}))
@given(data=st.data())
@settings(max_examples=8)
def test_the_value_in_force_is_the_value_in_the_file(name, data):
    """In double quotes; with a byte order mark and Windows' line ends."""
    variable = VARIABLES[name]
    value = data.draw(line.map(lambda t: t + KEY) if name == "SECRET_KEY" else variable.values)
    text_of_it = variable.write(value)
    quoted = re.sub(r'(["\\])', r"\\\1", text_of_it)
    environment = {n: v for n, v in BASE.items() if n != written(name)}
    if "\n" in text_of_it:
        return

    with (
        env_file(f'\ufeff# one\r\n{written(name)}="{quoted}"\r\n'.encode()) as path,
        patch.object(os, "environ", {**environment, **variable.beside, "DOTENV": path}),
    ):
        in_force = variable.read(runpy.run_path(str(ROOT / "project" / "settings.py")))

    assert in_force == value


FREE_TEXT = re.compile(
    r"OAUTH_CLIENT_(?:ID|NAME)|OAUTH_REDIRECT_URIS|OTEL_SERVICE_NAME|RESERVED_USERNAMES|[\w<>]+_(?:SCOPES|LABEL)"
    r"|[A-Z]+_(?:<NAME>_)?(?:CLIENT|APP|TEAM|KEY)_(?:IDS?|SECRET)"
    r"|LEAKED_PASSWORDS|MAIL_TEMPLATES|TRUSTED_DOCUMENTS"  # files: the system checks read them
)


@pytest.mark.parametrize("name", [name for name in VARIABLES if not FREE_TEXT.fullmatch(name)])
def test_every_variable_that_takes_no_free_text_refuses_nonsense_by_its_name(name):
    """A new one is tried without being asked."""
    with pytest.raises(ImproperlyConfigured, match=written(name)) as refusal:
        loaded(**VARIABLES[name].beside, **{written(name): "nonsense \x01"})

    assert "nonsense" not in str(refusal.value) or name == "DOTENV"


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, variable in VARIABLES.items() for value in variable.refused],
)
def test_what_is_no_value_is_refused_by_the_variables_name(name, value):
    """And not repeated: it may hold a secret."""
    with pytest.raises(ImproperlyConfigured) as refusal:
        loaded(**VARIABLES[name].beside, **{written(name): value})

    assert written(name) in str(refusal.value)
    assert len(value) < 5 or value not in str(refusal.value) or name in {"DOTENV", "OPENID_PROVIDERS"}


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("X=a", "a"),
        ("export X=a", "a"),
        ("X=a # b", "a # b"),
        ("X=$HOME", "$HOME"),
        ("X=a\"b'c", "a\"b'c"),
        ("X='$a \"b\" \\'", '$a "b" \\'),
        ('X="a b "', "a b "),
        ('X="a\\"b\\\\c\\d"', 'a"b\\c\\d'),
        ('X="a', '"a'),
        ("X=it's", "it's"),
        ("X=", ""),
        ("X=a\x0bb\x1cc\x85d\u2028e\rf", "a\x0bb\x1cc\x85d\u2028e\rf"),
        ("X=a\nX=b", "b"),
        ("X='-----BEGIN KEY-----\nab==\n-----END KEY-----'\nY=1", "-----BEGIN KEY-----\nab==\n-----END KEY-----"),
    ],
)
def test_a_line_of_the_file_is_taken_as_it_stands(content, value):
    """No expansion, no comment within a line; quotes only around the whole."""
    found: dict[str, str] = {"Z": "kept"}
    with env_file(f"{content}\nZ=lost\n".encode()) as path:
        read_dotenv(Path(path), into=found)

    assert found["X"] == value
    assert found["Z"] == "kept"


@pytest.mark.parametrize(
    ("content", "line_number"),
    [(b"A=1\nhush hush", 2), (b"hush = x", 1), (b"\n\n=hush", 3), (b"hush=\0", 1), (b"A=1\n-----hush", 2)],
)
def test_a_line_that_is_none_is_refused_by_its_number(content, line_number):
    """S47: without its content, which may be a part of a secret."""
    with env_file(content) as path, pytest.raises(ImproperlyConfigured, match=f"line {line_number}") as refusal:
        read_dotenv(Path(path), into={})

    assert "hush" not in str(refusal.value)


def test_a_file_in_another_encoding_is_refused():
    """PowerShell writes UTF-16."""
    with env_file("A=1\n".encode("utf-16")) as path, pytest.raises(ImproperlyConfigured, match="UTF-8"):
        read_dotenv(Path(path), into={})


def test_a_byte_order_mark_hides_no_line():
    """Editors of Windows write one; the first line is often LATCHKEY_ENV."""
    content = f"\ufeffLATCHKEY_ENV=development\nSECRET_KEY={KEY}\nDATABASE_URL=sqlite://:memory:\n"
    with env_file(content.encode()) as path:
        in_force = production(LATCHKEY_ENV=None, SECRET_KEY=None, DATABASE_URL=None, ALLOWED_HOSTS=None, DOTENV=path)

    assert (in_force["LATCHKEY_ENV"], in_force["SECRET_KEY"]) == ("development", KEY)


@given(password=st.text(characters, min_size=1, max_size=30))
def test_a_pasted_password_arrives_or_is_refused(password):
    """Never another one, and never another host."""
    parts = {"HOST": "db.internal", "PORT": "5432", "NAME": "accounts", "USER": "lk"}
    try:
        found = data_urls.database(f"postgres://lk:{password}@db.internal:5432/accounts")
    except data_urls.BadURL:
        assert re.search("[/?#]", password)
        return

    # What is a URL with another meaning is read so: `u:1?x@h` is a host, a port and an option.
    if {name: found[name] for name in parts} == parts:
        assert found["PASSWORD"] == (password if re.search("[/?#]", password) else unquote(password))
    else:
        assert re.match("[0-9]*[/?]", password)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://u:p#ss@h/n", {"PASSWORD": "p#ss", "HOST": "h", "NAME": "n"}),
        ("postgres://u:p@ss/w?o#rd@h:1/n", {"PASSWORD": "p@ss/w?o#rd", "HOST": "h", "PORT": "1"}),
        ("postgres://u%40x:a%2Fb+c@h/n", {"USER": "u@x", "PASSWORD": "a/b+c"}),
        ("postgres://u@server:p@h/n", {"USER": "u@server", "PASSWORD": "p"}),
        ("postgresql://h/n+1", {"NAME": "n+1", "USER": "", "PASSWORD": ""}),
        ("postgres://[2001:db8::1]:5433/n", {"HOST": "2001:db8::1", "PORT": "5433"}),
        ("postgres://a,b:5433/n", {"HOST": "a,b", "PORT": ",5433"}),
        ("postgres://%2Fvar%2FRun/n", {"HOST": "/var/Run", "NAME": "n"}),
        ("postgres:////var/run/pg/n", {"HOST": "/var/run/pg", "NAME": "n"}),
        ("postgres://h/n?application_name=007&sslmode=require&prepare_threshold=0",
         {"OPTIONS": {"application_name": "007", "sslmode": "require", "prepare_threshold": 0}}),
        ("postgres://h/n?options=-c%20a=b+c", {"OPTIONS": {"options": "-c a=b+c"}}),
        ("postgres://h/n?conn_max_age=none&conn_health_checks=false",
         {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}),
        ("postgres://h/n?pool=true", {"OPTIONS": {"pool": True}}),
        ("sqlite:////srv/100%25 #1+2@x.db", {"NAME": "/srv/100% #1+2@x.db"}),
        ("sqlite:///rel.db", {"NAME": "rel.db"}),
        ("sqlite://", {"NAME": ":memory:"}),
    ],
)  # fmt: skip
def test_each_part_of_a_database_url_is_what_it_says(url, expected):
    """With the encodings and the forms that libpq reads."""
    found = data_urls.database(url)

    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("url", "location", "options"),
    [
        ("redis://h:6379/0", "redis://h:6379/0", None),
        ("rediss://u:p%40#s@h", "rediss://u:p%40%23s@h/", None),
        ("redis://:a%2Fb@h/3", "redis://:a%2Fb@h/3", None),
        ("redis://[::1]:1/2?socket_timeout=0.5", "redis://[::1]:1/2", {"socket_timeout": 0.5}),
        ("redis://a,b:2/1", ["redis://a/1", "redis://b:2/1"], None),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock", {"db": 2}),
        ("redis:///run/redis.sock", "unix:///run/redis.sock", None),
        ("filecache:///srv/c#1+2", "/srv/c#1+2", None),
        ("locmemcache://", "", None),
    ],
)
def test_each_part_of_a_cache_url_is_what_it_says(url, location, options):
    """As redis-py and Django take it."""
    found = data_urls.cache(url.replace("p%40#s", "p%40%23s"))

    assert found["LOCATION"] == location
    assert found.get("OPTIONS") == options


def test_a_url_of_sentinels_keeps_the_password_out_of_what_operators_see():
    """Two Sentinels and a primary by its name; Redis and Sentinels may have passwords of their own."""
    found = data_urls.cache("rediss+sentinel://u:p%40@a,[::1]:7/My.one/3?sentinel_password=1")

    assert data_urls.public_part_of_cache(found) == "rediss+sentinel://a,[::1]:7/My.one/3"
    assert found["OPTIONS"] == {
        "pool_class": "project.cache.SentinelPool",
        "sentinels": [("a", 26379), ("::1", 7)],
        "primary": "My.one",
        "db": 3,
        "username": "u",
        "password": "p@",
        "ssl": True,
        "sentinel_password": "1",
    }


@pytest.mark.parametrize("query", ["", "?pool=true", "?pool=true&conn_max_age=0"])
def test_a_pool_serves_every_thread(query):
    """Django refuses connections that persist beside it; other numbers of threads need other pools."""
    database = loaded(DATABASE_URL=f"postgres://h/n{query}", THREADS="12")["DATABASE"]

    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"]["pool"]["max_size"] == 13


@pytest.mark.parametrize(
    ("query", "age"),
    [("?pool=false", 60), ("?conn_max_age=none", None), ("?conn_max_age=0", 0), ("?conn_max_age=9&pool=false", 9)],
)
def test_threads_keep_their_connections_without_a_pool(query, age):
    """Whoever says how long to keep connections, or that none is shared, gets that."""
    database = loaded(DATABASE_URL=f"postgres://h/n{query}")["DATABASE"]

    assert not database["OPTIONS"]["pool"]
    assert database["CONN_MAX_AGE"] == age
    assert database["CONN_HEALTH_CHECKS"]


@pytest.mark.parametrize(
    ("query", "threshold"),
    [
        ("", 5),
        ("?prepare_threshold=0", 0),
        ("?prepare_threshold=none", None),
        ("?disable_server_side_cursors=true", None),
        ("?disable_server_side_cursors=true&prepare_threshold=5", 5),
    ],
)
def test_statements_are_prepared_unless_a_pooler_stands_between(query, threshold):
    """A pooler between transactions may hand a statement to a connection that has not prepared it."""
    options = loaded(DATABASE_URL=f"postgres://h/n{query}")["DATABASE"]["OPTIONS"]

    assert options["prepare_threshold"] == threshold
    assert options["server_side_binding"] is True


def test_sqlite_is_not_opened_for_each_request():
    """It costs as much as the request; a file that was replaced counts after this time at the latest."""
    assert loaded(DATABASE_URL="sqlite:////srv/latchkey/db.sqlite3")["DATABASE"]["CONN_MAX_AGE"] == 60


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost", {"HOST": "localhost", "PORT": 25, "USE_TLS": False, "USE_SSL": False, "HOST_USER": ""}),
        ("smtp://mail.example", {"PORT": 25, "USE_TLS": True}),
        ("smtp://u:p@mail.example", {"PORT": 587, "USE_TLS": True, "HOST_USER": "u", "HOST_PASSWORD": "p"}),
        ("smtp://u%40x:p%2Fa%3Ab@h:2525", {"HOST_USER": "u@x", "HOST_PASSWORD": "p/a:b", "HOST": "h", "PORT": 2525}),
        ("smtp://u@x.example:p@ss#w?rd@h:1", {"HOST_USER": "u@x.example", "HOST_PASSWORD": "p@ss#w?rd", "HOST": "h"}),
        ("smtp://h?starttls=false", {"USE_TLS": False}),
        ("smtp://localhost?starttls=true", {"USE_TLS": True}),
        ("smtps://u:p@h", {"PORT": 465, "USE_TLS": False, "USE_SSL": True}),
        ("smtp://[::1]:1025", {"HOST": "::1", "PORT": 1025, "USE_TLS": False}),
        ("outbox:///srv/mails", {"FILE_PATH": "/srv/mails"}),
    ],
)
def test_each_part_of_an_email_url_is_what_it_says(url, expected):
    """Other hosts get no password in the clear, unless the URL says so."""
    found = data_urls.mail(url)

    assert {name: found.get(name) for name in expected} == expected


@given(password=st.text(characters, min_size=1, max_size=30))
def test_a_pasted_mail_password_arrives_or_is_refused(password):
    """Never another one, and never another host."""
    try:
        found = data_urls.mail(f"smtp://lk:{password}@mail.internal:587")
    except data_urls.BadURL:
        assert re.search("[/?#]", password)
        return

    if (found["HOST"], found["PORT"], found["HOST_USER"]) == ("mail.internal", 587, "lk"):
        assert found["HOST_PASSWORD"] == (password if re.search("[/?#]", password) else unquote(password))
    else:
        assert re.match("[0-9]*[/?]", password)


def test_other_backends_get_their_settings_from_the_environment():
    """Those of django-anymail have its names."""
    in_force = loaded(
        EMAIL_BACKEND="anymail.backends.test.EmailBackend",
        ANYMAIL_POSTMARK_SERVER_TOKEN="token",
        ANYMAIL_DEBUG_API_REQUESTS="False",
        ANYMAIL_REQUESTS_TIMEOUT="600",
    )

    assert in_force["EMAIL_BACKEND"] == "anymail.backends.test.EmailBackend"
    assert in_force["ANYMAIL"] == {
        "REQUESTS_TIMEOUT": 10,
        "POSTMARK_SERVER_TOKEN": "token",
        "DEBUG_API_REQUESTS": False,
    }
    assert "anymail" in in_force["INSTALLED_APPS"]


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ("Example, Inc. <a@b.example>", '"Example, Inc." <a@b.example>'),
        ('"Example, \\"Inc.\\"" <a@b.example>', '"Example, \\"Inc.\\"" <a@b.example>'),
        ("Example: accounts@home (beta) <a@b.example>", '"Example: accounts@home (beta)" <a@b.example>'),
        ("Größe <a@größe.example>", "Größe <a@xn--gre-6ka8i.example>"),
        ("a@größe.example", "a@xn--gre-6ka8i.example"),
    ],
)
def test_any_name_can_be_the_sender_s(given, sender):
    """Python and Django take a comma that is not quoted for the end of the name, and no mail would leave."""
    in_force = loaded(EMAIL_FROM=given)["DEFAULT_FROM_EMAIL"]

    assert in_force == sender
    assert parseaddr(in_force)[1].isascii()
    assert (
        parseaddr(str(EmailMessage("s", "t", in_force, ["c@d.example"]).message()["From"]))[1] == parseaddr(sender)[1]
    )


def test_there_is_one_way_to_send_mails():
    """A forgotten EMAIL_URL would be ignored."""
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        loaded(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend", EMAIL_URL="smtp://h")


@pytest.mark.parametrize(
    ("hosts", "sender"),
    [
        ("api.example.com", "Latchkey <no-reply@api.example.com>"),
        (".example.com,a.example", "Latchkey <no-reply@example.com>"),
        ("[::1],127.0.0.1", "Latchkey <no-reply@localhost>"),
    ],
)
def test_the_sender_is_of_the_first_host(hosts, sender):
    """One that is a name, since addresses have domains."""
    assert loaded(ALLOWED_HOSTS=hosts)["DEFAULT_FROM_EMAIL"] == sender


NEAR = {
    "GOOGLE_CLIENT_ID": "GOOGLE_CLIENT_IDS",
    "GOOGLE_CLIENTIDS": "GOOGLE_CLIENT_IDS",
    "google_client_ids": "GOOGLE_CLIENT_IDS",
    "APPLE_CLIENT_ID": "APPLE_CLIENT_IDS",
    "MICROSOFT_APP_ID": "MICROSOFT_CLIENT_IDS",
    "FACEBOOK_CLIENT_ID": "FACEBOOK_APP_ID",
    "FACEBOOK_CLIENT_SECRET": "FACEBOOK_APP_SECRET",
    "GITHUB_CLIENT_IDS": "GITHUB_CLIENT_ID",
    "ALLOWED_HOST": "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGIN": "CORS_ALLOWED_ORIGINS",
    "DJANGO_ALLOWED_HOSTS": "ALLOWED_HOSTS",
    "LATCHKEY_SECRET_KEY": "SECRET_KEY",
    "OPENID_PROVIDER": "OPENID_PROVIDERS",
    "OPENID_CORP_CLIENT_ID": "OPENID_CORP_CLIENT_IDS",
    "OPENID_OKTA_ISSUER": "OPENID_PROVIDERS",
    "ACCESS_TOKEN_LIFETIMES": "ACCESS_TOKEN_LIFETIME",
    "GOOGLE_CLIENT_ID_FILE": "GOOGLE_CLIENT_IDS_FILE",
    "LATCHKEY_SECRET_KEY_FILE": "SECRET_KEY_FILE",
    "DATABASES_URL_FILE": "DATABASE_URL_FILE",
    "LATCHKEY_WROKERS": "",
    "LATCHKEY_X": "",
    "LATCHKEY_ENVIRONMENT": "",
}
FOREIGN = [
    "HOSTNAME", "PATH", "HOME", "GITHUB_ACTIONS", "GITHUB_TOKEN", "GITHUB_RUN_ID", "GOOGLE_APPLICATION_CREDENTIALS",
    "LATCHKEY_PORT", "LATCHKEY_SERVICE_HOST", "LATCHKEY_WEB_SERVICE_PORT_HTTP", "LATCHKEY_PORT_8000_TCP_ADDR",

    "SSL_CERT_FILE", "PGPASSFILE", "PGSERVICEFILE", "LOG_FILE", "GITHUB_EVENT_PATH", "KRB5CCNAME_FILE",
    "REDIS_URL", "PGHOST", "DJANGO_SETTINGS_MODULE", "OPENID", "TERM",
    "LOGNAME", "WEB_CONCURRENCY", "XDG_SESSION_ID", "KUBERNETES_SERVICE_HOST", "PYTHON_VERSION", "GUNICORN_CMD_ARGS",
]  # fmt: skip


def misses(**environment: str) -> dict[str, str]:
    """The variables to warn of, once each of the table was read."""
    env = Environment(environment)
    env.known.update(written(name) for name in TABLE)
    return env.near_misses()


@pytest.mark.parametrize(("name", "meant"), NEAR.items())
def test_a_near_miss_is_warned_of(name, meant):
    """A provider that is silently off is found much later; and LATCHKEY_ begins no other program's names."""
    assert misses(**{name: "x"}) == {name: meant}


def test_what_is_set_under_its_own_name_too_is_not_warned_of():
    """It may be another program's; but not what belongs to a provider that is not among OPENID_PROVIDERS."""
    assert misses(GOOGLE_CLIENT_ID="x", GOOGLE_CLIENT_IDS="x") == {}
    assert misses(OPENID_PROVIDERS="corp", OPENID_OKTA_ISSUER="x") == {"OPENID_OKTA_ISSUER": "OPENID_PROVIDERS"}


def test_what_others_use_is_not_warned_of():
    """Containers, shells and CI set hundreds of variables."""
    assert misses(**dict.fromkeys(FOREIGN, "x")) == {}


def test_the_check_names_the_variable_that_was_meant():
    """accounts.W001: at every start, and without the value."""
    result = manage("check", "--fail-level", "WARNING", GOOGLE_CLIENT_ID="hush.apps.example")

    assert result.returncode != 0
    assert "accounts.W001" in result.stderr
    assert "GOOGLE_CLIENT_IDS" in result.stderr
    assert "hush" not in result.stderr


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", "null", '{"operations": [{}]}', '{"operations": 1}', "not json", '"operations"']
)
def test_a_manifest_that_cannot_be_read_fails_the_check(tmp_path, settings, content):
    """schema.E001: rather than each request."""
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)

    settings.LATCHKEY = replace(settings.LATCHKEY, trusted_documents=str(path))

    assert "schema.E001" in found_by_checks()
    assert "TRUSTED_DOCUMENTS" in str(trusted_documents_can_be_read())


APOLLOS = '\ufeff{"operations": [{"id": "a", "body": "{ me { id } }"}]}'


@pytest.mark.parametrize("content", ['{"abc": "{ me { id } }"}', APOLLOS])
def test_a_manifest_passes_the_check(tmp_path, settings, content):
    """graphql-codegen's and Apollo's."""
    path = tmp_path / "manifest.json"
    path.write_text(content)
    settings.LATCHKEY = replace(settings.LATCHKEY, trusted_documents=str(path))

    assert trusted_documents_can_be_read() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("BEHIND_TLS_PROXY", "true"), ("USE_X_FORWARDED_HOST", "true"), ("CLIENT_ADDRESS_HEADER", "X-Real-IP")],
)
def test_a_header_of_proxies_needs_proxies(name, value):
    """S55: a setting that trusts a header and no peer would trust nobody, or everybody."""
    with pytest.raises(ImproperlyConfigured, match=f"{name}.*TRUSTED_PROXIES"):
        loaded(**{name: value})


def test_production_keeps_no_accounts_beside_the_code():
    """Unless told: the file is gone with the next deployment."""
    inside = f"sqlite:///{ROOT / 'sub' / '..' / 'db.sqlite3'}"
    for url in (inside, "sqlite:///db.sqlite3"):
        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
            loaded(DATABASE_URL=url)
        assert loaded(DATABASE_URL=url, ALLOW_SQLITE_IN_CODE="true")
        assert loaded(DATABASE_URL=url, LATCHKEY_ENV="development")
    assert loaded(DATABASE_URL="sqlite:////srv/latchkey/db.sqlite3")


def test_production_without_a_database_says_so():
    """The default is a file beside the code."""
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        loaded(DATABASE_URL=None)


def test_production_answers_to_no_host_whatever():
    """S91: unless told, where a proxy sees to it."""
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        loaded(ALLOWED_HOSTS="api.example.com, *")
    assert loaded(ALLOWED_HOSTS="*", ALLOW_ANY_HOST="true")["ALLOWED_HOSTS"] == ["*"]
    assert loaded(ALLOWED_HOSTS="*", LATCHKEY_ENV="development")


@pytest.mark.parametrize(
    ("switched_on", "header"),
    [
        ([], "max-age=31536000"),
        (["SECURE_HSTS_INCLUDE_SUBDOMAINS"], "max-age=31536000; includeSubDomains"),
        (["SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"], "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_hsts_covers_what_it_is_told_to(settings, client, switched_on, header):
    """S50: no other host of the domain by default. The deployment check accepts each."""
    in_force = loaded(**dict.fromkeys(switched_on, "true"))
    for name in ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD"):
        setattr(settings, f"SECURE_HSTS_{name}", in_force[f"SECURE_HSTS_{name}"])
    settings.SILENCED_SYSTEM_CHECKS = in_force["SILENCED_SYSTEM_CHECKS"]

    assert client.get("/schema.graphql", secure=True)["Strict-Transport-Security"] == header
    assert not found_by_checks() & {"security.W004", "security.W005", "security.W021"}


@pytest.mark.parametrize("host", ["::1", "::", "[::1]"])
def test_it_listens_on_an_address_of_ipv6(tmp_path, host):
    """As Docker's and Kubernetes' users write it."""
    with serving(tmp_path, HOST=host, DOTENV="") as live:
        url = live.url.replace("127.0.0.1", "[::1]")
        request = Request(f"{url}/graphql", b'{"query": "{ __typename }"}', {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("query", ["pool=true", "pool=true&conn_max_age=0", "pool=false"])
def test_it_serves_with_psycopgs_pool(tmp_path, query):
    """The pool of the process that migrated is not shared with the workers that are forked."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("needs PostgreSQL")
    with fresh_database(tmp_path) as database, serving(tmp_path, DATABASE_URL=f"{database}?{query}", DOTENV="") as live:
        answers = [live.post("{ users { nodes { id } } }") for _ in range(5)]

    assert [status for status, _ in answers] == [200] * 5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKERS", "two"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://lk:hush@127.0.0.1:1/lk"),
        ("DATABASE_URL", "sqlite:////no/such/directory/db.sqlite3"),
        ("OAUTH_REDIRECT_URIS", "javascript:alert(1)"),
        ("OAUTH_CLIENT_ID", "x" * 300),
        ("OAUTH_CLIENT_NAME", "x" * 300),
    ],
)
def test_serving_ends_with_one_message_that_names_the_variable(tmp_path, variable, value):
    """Not with a traceback; a password is not in it."""
    given_ = {"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}", "DOTENV": "", variable: value}
    run = subprocess.run(
        [sys.executable, "-m", "project.serve"],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, **given_},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 1
    assert variable in run.stderr
    assert "Traceback" not in run.stderr
    assert "hush" not in run.stderr
