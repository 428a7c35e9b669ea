"""What a deployment sets: production does not start unsafe, and `ensure_client` can be run at every start."""

import dataclasses
import io
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.urls import Resolver404, resolve

from accounts.conf import Endpoints, Provider
from accounts.social.checks import providers_are_asked_over_tls
from accounts.tokens.models import Client, Session
from project import gunicorn, variables
from project.environment import Environment
from project.providers import configured
from tests.api import PASSWORD, TOKEN_AUTH, codes
from tests.factories import make_account, make_client
from tests.providers.keys import key

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "k7Qw-Zp2_xL9" * 6
PRODUCTION = {
    "LATCHKEY_ENV": "production",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "api.example.com",
    "DATABASE_URL": "sqlite://:memory:",
    "CACHE_URL": "locmemcache://",
    "DOTENV": "",
}


def manage(*arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run manage.py in production, with changes; None leaves a variable out."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG") if name in os.environ}
    values = {name: value for name, value in {**PRODUCTION, **environment}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, **values},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def loaded(**environment: str | None) -> dict[str, Any]:
    """The settings in production, with changes; None leaves a variable out. Raises ImproperlyConfigured."""
    values = {name: value for name, value in {**PRODUCTION, **environment}.items() if value is not None}
    with patch.object(os, "environ", values):
        return runpy.run_path(str(ROOT / "project" / "settings.py"))


def found_by_checks() -> set[str]:
    """The ids of what the system checks find."""
    return {str(message.id) for message in run_checks(include_deployment_checks=True) if not message.is_silenced()}


def test_manage_ends_with_the_name_of_the_variable():
    """S59: the process ends and says why; the tests below load the settings alone."""
    result = manage("check", SECRET_KEY="short")

    assert result.returncode != 0
    assert "Set SECRET_KEY" in result.stderr


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "x" * 31,
        "change-me-change-me-change-me-change-me",
        f"django-insecure-{KEY}",
        "a" * 50,
        " " * 50,
    ],
)
def test_production_does_not_start_without_a_secret_key(key):
    """S59: missing, short, or one that stands in an example."""
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY") as refusal:
        loaded(SECRET_KEY=key)
    assert not key.strip() or key not in str(refusal.value)


@pytest.mark.parametrize("hosts", ["", ","])
def test_production_does_not_start_without_its_hosts(hosts):
    """S59: else any Host header gets into links."""
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        loaded(ALLOWED_HOSTS=hosts)


def test_production_is_the_default():
    """S59: who sets nothing gets the strict one."""
    assert loaded(LATCHKEY_ENV=None)["LATCHKEY_ENV"] == "production"


@pytest.mark.parametrize("kind", ["Production", "prod", "test", "", "debug"])
def test_another_environment_is_refused(kind):
    """A typing error must not mean development."""
    with pytest.raises(ImproperlyConfigured, match="LATCHKEY_ENV"):
        loaded(LATCHKEY_ENV=kind)


@pytest.mark.parametrize(("threads", "share"), [("1", 1), ("8", 2), ("30", 7)])
def test_a_quarter_of_the_threads_may_wait_for_providers(threads, share):
    """S92: of those that gunicorn is given."""
    in_force = loaded(THREADS=threads)

    assert (in_force["LATCHKEY"].provider_threads, in_force["THREADS"]) == (share, int(threads))
    assert gunicorn.threads == django_settings.THREADS


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        ({}, ["https://api.example.com"]),
        ({"PUBLIC_URL": ""}, ["https://api.example.com"]),
        ({"ALLOWED_HOSTS": ".example.com,id.example.com,api.example.com"}, ["https://id.example.com"]),
        ({"ALLOWED_HOSTS": ".example.com"}, []),
        ({"PUBLIC_URL": "https://id.example.com/auth/"}, ["https://id.example.com/auth"]),
    ],
)
def test_the_public_url_comes_from_the_settings(environment, urls):
    """S91: else the first host that is a name; nothing where there is only a pattern."""
    assert list(loaded(**environment)["LATCHKEY"].public_urls) == urls


@pytest.mark.parametrize(
    "url",
    ["id.example.com", "http://id.example.com", "https://", "https://id.example.com?a=b", "https://a@id.example.com"],
)
def test_a_public_url_that_is_no_issuer_stops_production(url):
    """RFC 8414 §2: https, without query and fragment."""
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        loaded(PUBLIC_URL=url)


def test_check_deploy_is_clean_in_production():
    """S59: no warning of Django's, DOT's or ours."""
    result = manage(
        "check", "--deploy", "--fail-level", "WARNING", TRUSTED_PROXIES="1", EMAIL_URL="smtp://u:p@mail.example"
    )

    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_production_has_no_outbox():
    """It prints links and codes, and would show them to everybody."""
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        loaded(EMAIL_URL="outbox://")
    for backend in ("project.outbox.OutboxBackend", "django.core.mail.backends.console.EmailBackend"):
        with pytest.raises(ImproperlyConfigured, match="EMAIL_BACKEND prints"):
            loaded(EMAIL_BACKEND=backend)

    assert loaded()["EMAIL_BACKEND"] == "accounts.mails.smtp.Backend"
    assert loaded(LATCHKEY_ENV="development")["EMAIL_BACKEND"] == "project.outbox.OutboxBackend"


@pytest.mark.parametrize(
    ("environment", "warned"),
    [({}, True), ({"EMAIL_URL": "smtp://localhost"}, False),
     ({"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}, False)],
)  # fmt: skip
def test_a_deployment_says_how_its_mails_are_sent(settings, environment, warned):
    """accounts.W005."""
    settings.MAIL_IS_CONFIGURED = loaded(**environment)["MAIL_IS_CONFIGURED"]

    assert ("accounts.W005" in found_by_checks()) == warned


@pytest.mark.parametrize(
    ("environment", "warned"),
    [({}, False), ({"ALLOWED_HOSTS": ".example.com"}, True),
     ({"ALLOWED_HOSTS": ".example.com", "FRONT_END_URL": "https://www.example.com"}, False)],
)  # fmt: skip
def test_mailed_links_need_a_front_end(settings, environment, warned):
    """accounts.W006; S91: the Host header is no way out."""
    settings.LATCHKEY = loaded(**environment)["LATCHKEY"]

    assert ("accounts.W006" in found_by_checks()) == warned


@pytest.mark.parametrize(
    ("environment", "refused"),
    [({"MFA_REQUIRED_FOR": "all"}, True), ({"MFA_REQUIRED_FOR": "staff"}, False), ({}, False),
     ({"MFA_REQUIRED_FOR": "all", "EMAIL_VERIFICATION": "none"}, True),
     ({"MFA_REQUIRED_FOR": "all", "EMAIL_VERIFICATION": "mandatory"}, False)],
)  # fmt: skip
def test_a_factor_for_everybody_needs_verified_addresses(settings, environment, refused):
    """accounts.E008; S87: otherwise nobody could set one up."""
    settings.LATCHKEY = loaded(**environment)["LATCHKEY"]

    assert ("accounts.E008" in found_by_checks()) == refused


@pytest.mark.parametrize(
    ("environment", "warned"),
    [({"MFA_REQUIRED_FOR": "staff"}, True), ({}, False),
     ({"MFA_REQUIRED_FOR": "staff", "EMAIL_URL": "smtp://localhost"}, False)],
)  # fmt: skip
def test_a_required_factor_needs_mails(settings, environment, warned):
    """accounts.W010: `createsuperuser` makes accounts whose address is not verified."""
    in_force = loaded(**environment)
    settings.LATCHKEY, settings.MAIL_IS_CONFIGURED = in_force["LATCHKEY"], in_force["MAIL_IS_CONFIGURED"]

    assert ("accounts.W010" in found_by_checks()) == warned


@pytest.mark.parametrize(
    ("environment", "length"),
    [({}, 15), ({"MFA_REQUIRED_FOR": "staff"}, 15), ({"MFA_REQUIRED_FOR": "all"}, 12),
     ({"MFA_REQUIRED_FOR": "all", "PASSWORD_MIN_LENGTH": "20"}, 20),
     ({"MFA_REQUIRED_FOR": "all", "PASSWORD_MIN_LENGTH": "15"}, 15)],
)  # fmt: skip
def test_a_password_beside_a_factor_may_be_shorter(environment, length):
    """S5: by default, if everybody has one."""
    assert loaded(**environment)["LATCHKEY"].password_min_length == length


def test_production_settings_are_the_strict_ones():
    """Cookies, redirects, HSTS, no introspection, no debug pages, no front ends but those that are named."""
    in_force = loaded()

    assert in_force["DEBUG"] is False
    assert (
        in_force["SESSION_COOKIE_SECURE"] is in_force["CSRF_COOKIE_SECURE"] is in_force["SECURE_SSL_REDIRECT"] is True
    )
    assert in_force["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
    assert (in_force["CORS_ALLOWED_ORIGINS"], in_force["ALLOWED_HOSTS"]) == ([], ["api.example.com"])
    assert (in_force["LATCHKEY"].introspection, in_force["LATCHKEY"].development) == (False, False)


@pytest.mark.parametrize(("workers", "cache", "refused"), [
    ("2", "locmemcache://", True), ("1", "locmemcache://", False), ("2", "redis://127.0.0.1:6379/1", False),
])  # fmt: skip
def test_several_workers_need_a_cache_that_they_share(settings, workers, cache, refused):
    """accounts.E001."""
    in_force = loaded(WORKERS=workers, CACHE_URL=cache)
    settings.WORKERS, settings.CACHES = in_force["WORKERS"], in_force["CACHES"]

    assert ("accounts.E001" in found_by_checks()) == refused


@pytest.mark.parametrize(
    "lifetimes",
    [
        {"ACCESS_TOKEN_LIFETIME": "0"},
        {"ACCESS_TOKEN_LIFETIME": "-5"},
        {"ACCESS_TOKEN_LIFETIME": "60", "ACCESS_TOKEN_JITTER": "60"},
        {"ACCESS_TOKEN_JITTER": "-1"},
        {"REFRESH_TOKEN_IDLE_LIFETIME": "60"},
        {"SESSION_LIFETIME": "3600"},
    ],
)
def test_lifetimes_that_contradict_each_other_are_refused(settings, lifetimes):
    """accounts.E002."""
    settings.LATCHKEY = loaded(**lifetimes)["LATCHKEY"]

    assert "accounts.E002" in found_by_checks()


def test_the_checks_of_these_tests_are_clean_too():
    """What runs here is what runs there."""
    assert [message for message in run_checks() if message.level >= 30 and not message.is_silenced()] == []


def test_migrations_are_complete(db, settings):
    """No change of a model without its migration."""
    settings.MIGRATION_MODULES = {}  # against --nomigrations
    out = io.StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)

    assert "No changes detected" in out.getvalue()


def ensure(*arguments: str) -> str:
    """What `ensure_client` prints."""
    out = io.StringIO()
    call_command("ensure_client", *arguments, stdout=out)
    return out.getvalue()


def test_ensure_client_makes_the_default_client_once(db):
    """Idempotent: at every start."""
    first, second = ensure(), ensure()

    client = Client.objects.get()
    assert "created" in first
    assert "created" not in second
    assert (client.client_id, client.client_type, client.first_party) == ("web", Client.CLIENT_PUBLIC, True)
    assert client.authorization_grant_type == Client.GRANT_AUTHORIZATION_CODE
    assert client.redirect_uris == " ".join(django_settings.LATCHKEY.default_client_redirect_uris)
    assert client.client_secret  # trap 12c: an empty one would authenticate by the id alone


def test_ensure_client_follows_the_settings(db):
    """Name and redirect URIs change, the rows that refer to it stay."""
    ensure()
    pk = Client.objects.get().pk

    ensure(
        "--name",
        "Shop",
        "--redirect-uri",
        "https://shop.example/cb",
        "--redirect-uri",
        "https://b.example/cb",
    )

    client = Client.objects.get()
    assert (client.pk, client.name) == (pk, "Shop")
    assert client.redirect_uris == "https://shop.example/cb https://b.example/cb"


def test_ensure_client_gives_a_client_a_front_end_of_its_own(db):
    """Where the links of its mails lead. A later start without the option leaves it."""
    ensure("--client-id", "ios", "--front-end-url", "https://m.example/app")
    ensure("--client-id", "ios")

    assert Client.objects.get().front_end_url == "https://m.example/app"


@pytest.mark.parametrize("url", ["m.example", "javascript:/alert(1)", "https://m.example/?a=b", "https://m.example/#a"])
def test_ensure_client_refuses_what_no_link_can_begin_with(db, url):
    """By the name of the option, and stores nothing."""
    with pytest.raises(CommandError, match="--front-end-url"):
        ensure("--client-id", "ios", "--front-end-url", url)

    assert not Client.objects.exists()


def test_ensure_client_makes_further_clients(graphql, account):
    """Web, iOS, Android."""
    ensure("--client-id", "ios", "--name", "iOS")

    payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD, "clientId": "ios"}).data[
        "tokenAuth"
    ]

    assert payload["errors"] == []
    assert Session.objects.get().client.name == "iOS"
    assert Client.objects.count() == 2


def test_ensure_client_prints_a_secret_once_and_it_works(graphql, account):
    """Only its hash is stored."""
    first = ensure("--client-id", "server", "--confidential")
    second = ensure("--client-id", "server", "--confidential")

    secret = first.split("shown only now: ")[1].strip()
    assert secret not in second
    assert "secret" not in second
    assert Client.objects.get(client_id="server").client_secret != secret
    given = {"email": account.email, "password": PASSWORD, "clientId": "server"}
    for client_secret, expected in ((secret, []), (secret[:-1], ["INVALID_CLIENT"])):
        payload = graphql(TOKEN_AUTH, input={**given, "clientSecret": client_secret}).data["tokenAuth"]
        assert codes(payload) == expected


@pytest.mark.parametrize("fields", [{"client_type": Client.CLIENT_CONFIDENTIAL}, {"first_party": False}])
def test_ensure_client_does_not_take_over_another_kind(db, fields):
    """A typing error in the environment must not open a third party's client."""
    client, _ = make_client(client_id="web", **fields)
    before = Client.objects.values().get()

    with pytest.raises(CommandError, match="web"):
        ensure()

    assert Client.objects.values().get() == before
    assert client.pk == before["id"]


@pytest.mark.parametrize(
    "path",
    [
        "/o/applications/", "/o/applications/register/", "/o/applications/1/", "/o/authorized_tokens/",
        "/o/device-authorization/", "/o/device/", "/o/register/", "/o/authorize/", "/accounts/login/",
        "/social/",
        "/complete/google-oauth2/", "/login/google-oauth2/",
    ],
)  # fmt: skip
def test_nothing_is_mounted_that_nobody_asked_for(path):
    """S27: DOT's list would let any signed-in person register clients."""
    with pytest.raises(Resolver404):
        resolve(path)


@pytest.mark.parametrize("secret", [False, True])
def test_the_password_grant_is_off(client, db, secret):
    """S27, RFC 9700 §2.4: for no kind of client."""
    account = make_account()
    fields = {"client_type": Client.CLIENT_CONFIDENTIAL} if secret else {}
    for grant in (Client.GRANT_AUTHORIZATION_CODE, Client.GRANT_PASSWORD):
        oauth_client, client_secret = make_client(authorization_grant_type=grant, **fields)
        response = client.post(
            "/o/token/",
            {
                "grant_type": "password",
                "username": account.email,
                "password": PASSWORD,
                "client_id": oauth_client.client_id,
                **({"client_secret": client_secret} if secret else {}),
            },
        )

        assert response.status_code in {400, 401}
        assert "access_token" not in response.json()
    assert not Session.objects.exists()
    account.refresh_from_db()
    assert account.last_login is None


@pytest.mark.parametrize(
    "grant_type", ["", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "convert_token", "x\0"]
)
def test_other_grants_are_off(client, default_client, grant_type):
    """RFC 6749 §5.2: `unsupported_grant_type` or the like."""
    response = client.post("/o/token/", {"grant_type": grant_type, "client_id": "web", "device_code": "x"})

    assert response.status_code in {400, 401, 404}
    assert "access_token" not in response.json()


def test_the_device_grant_is_not_half_there(client, default_client):
    """Trap 12f: nobody can begin it, so asking for its end is a refusal, without its parameter too."""
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"

    response = client.post("/o/token/", {"grant_type": grant_type, "client_id": "web"})

    assert response.status_code == 400
    assert response.json()["error"] == "unsupported_grant_type"


def test_a_third_party_never_gets_the_scope_account(client, db):
    """S60: nor by client credentials, nor by asking."""
    oauth_client, secret = make_client(
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS,
        first_party=False,
    )
    for scope in ({}, {"scope": "account"}, {"scope": "account account"}):
        response = client.post(
            "/o/token/",
            {
                "grant_type": "client_credentials",
                "client_id": oauth_client.client_id,
                "client_secret": secret,
                **scope,
            },
        )
        assert "account" not in response.json().get("scope", "").split()
        assert response.status_code == 400 or not scope


def test_the_metadata_promises_only_what_is_there(client, db):
    """RFC 8414: each endpoint that is named exists."""
    response = client.get("/.well-known/oauth-authorization-server")

    assert response.status_code == 200
    metadata = response.json()
    assert "password" not in metadata["grant_types_supported"]
    assert "implicit" not in metadata["grant_types_supported"]
    for name, url in metadata.items():
        if name.endswith("_endpoint"):
            resolve("/" + url.split("/", 3)[3])


def test_providers_are_asked_over_tls_in_production(settings):
    """accounts.E003: whoever can change the answer could sign in as anybody."""
    endpoints = Endpoints(userinfo="http://idp.example/userinfo")
    provider = Provider(name="corp", label="Corp", client_ids=("us",), issuer="https://idp.example")
    own = dataclasses.replace(settings.LATCHKEY, providers=(provider,), private_providers=False)
    settings.LATCHKEY = own
    assert providers_are_asked_over_tls() == []

    for change in ({"endpoints": endpoints}, {"issuer": "http://idp.example"}):
        settings.LATCHKEY = dataclasses.replace(own, providers=(dataclasses.replace(provider, **change),))
        assert [message.id for message in providers_are_asked_over_tls()] == ["accounts.E003"]


CORP = {
    "OPENID_PROVIDERS": "corp",
    "OPENID_CORP_ISSUER": "https://idp.example",
    "OPENID_CORP_CLIENT_IDS": "web,ios",
}


def providers_of(**environment: str) -> tuple[Provider, ...]:
    """What the environment switches on."""
    return configured(Environment(environment))


def test_without_client_ids_no_provider_is_switched_on():
    """Nor with half of what one needs."""
    assert providers_of() == ()
    for missing in ("FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"):
        assert providers_of(**{missing: "x"}) == ()
    assert [one.name for one in providers_of(GOOGLE_CLIENT_IDS="web", APPLE_CLIENT_IDS="a")] == [
        "google-oauth2",
        "apple-id",
    ]


def test_known_providers_want_a_nonce_unless_told_otherwise():
    """S35."""
    assert all(one.nonce_required for one in providers_of(GOOGLE_CLIENT_IDS="web", **CORP))
    assert not providers_of(GOOGLE_CLIENT_IDS="web", GOOGLE_NONCE_REQUIRED="false")[0].nonce_required


def test_an_openid_provider_is_settings_alone():
    """Issuer and client ids; the rest has defaults."""
    [corp] = providers_of(**CORP)

    assert (corp.name, corp.label, corp.client_ids) == ("corp", "Corp", ("web", "ios"))
    assert (corp.issuer, corp.scopes) == ("https://idp.example", ("openid", "email", "profile"))
    assert not corp.introspection
    assert corp.algorithms == ("RS256", "ES256")


def test_an_openid_provider_pins_its_algorithms():
    """S29: those of public keys only."""
    [corp] = providers_of(**CORP, OPENID_CORP_ALGORITHMS="ES384,EdDSA")

    assert corp.algorithms == ("ES384", "EdDSA")
    for wrong in ("HS256", "none", "RS256,HS512", "rs256", "", "RS257"):
        with pytest.raises(ImproperlyConfigured, match="OPENID_CORP_ALGORITHMS"):
            providers_of(**CORP, OPENID_CORP_ALGORITHMS=wrong)


def test_apples_key_may_stand_in_one_line():
    """Line ends as backslash and n, as environments have them."""
    pem = key("apple-client-secret", "ES256").pem

    [apple] = providers_of(APPLE_CLIENT_IDS="a", APPLE_PRIVATE_KEY=pem.replace("\n", "\\n"))

    assert apple.private_key == pem


@pytest.mark.parametrize(
    "text", ["hush", "-----BEGIN PRIVATE KEY-----\\nx\\n-----END PRIVATE KEY-----", "/keys/apple.p8"]
)
def test_what_is_no_key_of_apples_stops_the_start(text):
    """Rather than each sign-in; and it is not repeated."""
    with pytest.raises(ImproperlyConfigured, match="APPLE_PRIVATE_KEY") as refusal:
        providers_of(APPLE_CLIENT_IDS="a", APPLE_PRIVATE_KEY=text)
    assert text not in str(refusal.value)


@pytest.mark.parametrize("name", ["Corp", "a_b", "-a", "a:b", "x" * 33, "ä"])
def test_a_name_that_cannot_be_stored_and_typed_stops_the_start(name):
    """Half of each identity."""
    prefix = f"OPENID_{name.upper().replace('-', '_')}_"
    given = {"OPENID_PROVIDERS": name, f"{prefix}ISSUER": "https://x.example", f"{prefix}CLIENT_IDS": "x"}

    with pytest.raises(ImproperlyConfigured, match="OPENID_PROVIDERS"):
        providers_of(**given)


@pytest.mark.parametrize(
    "change",
    [
        {"OPENID_CORP_ISSUER": ""},
        {"OPENID_CORP_CLIENT_IDS": ""},
        {"OPENID_PROVIDERS": "corp,corp"},
        {"OPENID_PROVIDERS": "google", "OPENID_GOOGLE_ISSUER": "https://x.example", "OPENID_GOOGLE_CLIENT_IDS": "x"},
    ],
)
def test_a_half_set_up_provider_stops_the_start(change):
    """Better than a button that does not work."""
    with pytest.raises(ImproperlyConfigured, match="OPENID"):
        providers_of(**{"GOOGLE_CLIENT_IDS": "web", **CORP, **change})


def test_secrets_are_not_in_what_is_printed():
    """S47: of the settings."""
    pem = key("apple-client-secret", "ES256").pem
    given = {"GOOGLE_CLIENT_IDS": "web", "GOOGLE_CLIENT_SECRET": "hush", "APPLE_CLIENT_IDS": "a"}

    printed = repr(providers_of(**given, APPLE_PRIVATE_KEY=pem))

    assert "hush" not in printed
    assert "PRIVATE" not in printed


def test_the_secret_key_and_urls_with_passwords_are_not_in_what_is_printed():
    """S47."""
    read = Environment(
        {"SECRET_KEY": "hush", "DATABASE_URL": "postgres://u:hush@h/n", "CACHE_URL": "redis://:hush@h"}
    ).read

    assert "hush" in read(variables.Service).secret_key
    assert "hush" not in repr((read(variables.Service), read(variables.Data)))


def test_ensure_client_leaves_what_it_is_not_told(db):
    """A second run does not undo the first."""
    uri = "https://app.example.com/callback"
    call_command("ensure_client", "--client-id", "ios", "--name", "iOS", "--redirect-uri", uri, verbosity=0)

    call_command("ensure_client", "--client-id", "ios", verbosity=0)

    client = Client.objects.get(client_id="ios")
    assert (client.name, client.redirect_uris) == ("iOS", uri)


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "notauri"])
def test_ensure_client_refuses_what_is_no_redirect_uri(db, uri):
    """A command's typo must not become a hole."""
    with pytest.raises(CommandError):
        call_command("ensure_client", "--client-id", "ios", "--redirect-uri", uri, verbosity=0)

    assert not Client.objects.exists()


def test_serving_begins_with_the_system_checks():
    """Two workers, each with a cache of its own: `make run` says so and does not start."""
    environment = {**os.environ, **PRODUCTION, "WORKERS": "2", "DOTENV": ""}
    run = subprocess.run(
        [sys.executable, "-m", "project.serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 1
    assert "accounts.E001" in run.stderr
    assert "Traceback" not in run.stderr
