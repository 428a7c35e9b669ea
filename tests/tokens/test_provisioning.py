"""Clients as operators declare them: `ensure_client` and `provision` make them so, and nothing else."""

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.tokens import provisioning
from accounts.tokens.models import Client, Session
from accounts.tokens.provisioning import Kind, Wanted
from tests.api import TOKEN_AUTH, codes
from tests.factories import PASSWORD, make_client
from tests.tokens.test_oauth_endpoints import basic

SECRET = "n7Qw2-Zk9_rT4xVb8LmC3pYd6HsJ1fGa5e"

FILE = """
[clients.web]
name = "Shop"
redirect_uris = ["https://www.example.com/callback", "https://m.example.com/callback"]
front_end_url = "https://www.example.com"
refresh_token_transport = "COOKIE"

[clients.next]
type = "confidential"
states_end_user = true
secret_env = "NEXT_SECRET"

[clients.orders]
type = "resource-server"
secret_file = "orders.secret"
"""


@pytest.fixture
def provision(tmp_path, monkeypatch, db):
    """Write a file and provision it; what the command prints."""
    monkeypatch.setenv("NEXT_SECRET", SECRET)
    (tmp_path / "orders.secret").write_text(f"{SECRET}2\n")

    def run(text=FILE, *options):
        path = tmp_path / "clients.toml"
        path.write_text(text)
        out = io.StringIO()
        call_command("provision", str(path), *options, stdout=out)
        return out.getvalue()

    return run


def ensured(*arguments):
    """What `ensure_client` prints."""
    out = io.StringIO()
    call_command("ensure_client", *arguments, stdout=out)
    return out.getvalue()


def rows():
    """All clients, with everything that is stored of them."""
    return list(Client.objects.order_by("pk").values())


def test_the_file_makes_its_clients(provision):
    """Each of its kind, with its settings."""
    printed = provision()

    assert printed.splitlines() == ["web: created", "next: created", "orders: created"]
    web, server, orders = (Client.objects.get(client_id=name) for name in ("web", "next", "orders"))
    assert (web.client_type, web.first_party, web.name, web.refresh_token_transport, web.front_end_url) == (
        *("public", True, "Shop", "COOKIE"),
        "https://www.example.com",
    )
    assert web.redirect_uris == "https://www.example.com/callback https://m.example.com/callback"
    assert (server.client_type, server.first_party, server.states_end_user) == ("confidential", True, True)
    assert (orders.is_resource_server, orders.first_party) == (True, False)


def test_the_secrets_of_the_file_work_and_are_not_printed(provision, graphql, client, account):
    """S15: only their hashes are stored."""
    printed = provision()

    of_client = {"clientId": "next", "clientSecret": SECRET}
    signed_in = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD, **of_client}).data["tokenAuth"]
    token = {"token": signed_in["tokens"]["accessToken"]}
    headers = basic(Client.objects.get(client_id="orders"), f"{SECRET}2")
    assert client.post("/o/introspect/", token, headers=headers).json()["active"] is True
    assert SECRET not in printed + str(rows())


def test_to_provision_again_changes_nothing(provision):
    """Idempotent: not even the time of the last change."""
    provision()
    before = rows()

    assert provision().splitlines() == ["web: up to date", "next: up to date", "orders: up to date"]
    assert rows() == before


def test_what_differs_is_changed_and_named(provision, monkeypatch):
    """The key and the secret stay the client's."""
    provision()
    keys = {row["client_id"]: row["id"] for row in rows()}
    monkeypatch.setenv("NEXT_SECRET", SECRET[::-1])

    printed = provision(FILE.replace('"Shop"', '"Store"'))

    assert printed.splitlines() == ["web: changed (name)", "next: changed (secret)", "orders: up to date"]
    assert SECRET[::-1] not in printed
    assert {row["client_id"]: row["id"] for row in rows()} == keys
    assert Client.objects.get(client_id="web").name == "Store"


def test_what_the_file_does_not_say_stays(provision):
    """Set in the administration, for instance."""
    provision()
    Client.objects.filter(client_id="next").update(name="Front end")

    provision()

    assert Client.objects.get(client_id="next").name == "Front end"


def test_clients_that_the_file_does_not_have_are_left_alone_and_listed(provision):
    """Nothing is deleted: their sessions would end."""
    other, _secret = make_client(client_id="ios")

    assert "ios: not in the file" in provision().splitlines()
    assert Client.objects.get(client_id="ios").pk == other.pk


def test_a_dry_run_shows_the_changes_and_makes_none(provision):
    """Of new clients and of old ones."""
    provision()
    Client.objects.get(client_id="orders").delete()
    before = rows()

    printed = provision(FILE.replace('"Shop"', '"Store"'), "--dry-run")

    assert printed.splitlines() == [
        "web: would be changed (name)",
        "next: up to date",
        "orders: would be created",
    ]
    assert rows() == before


def test_what_was_done_is_in_the_log_without_the_secret(provision, caplog, django_capture_on_commit_callbacks):
    """S47: who may introspect, and since when, is no secret. A dry run did nothing."""
    make_client(client_id="web", name="Web")
    caplog.set_level("INFO", "accounts.tokens.provisioning")
    with django_capture_on_commit_callbacks(execute=True):
        provision(FILE, "--dry-run")
    assert caplog.messages == []

    with django_capture_on_commit_callbacks(execute=True):
        provision(
            '[clients.web]\nname = "Shop"\n[clients.orders]\ntype = "resource-server"\nsecret_env = "NEXT_SECRET"'
        )
        ensured("--client-id", "orders", "--resource-server", "--new-secret")

    assert caplog.messages == [
        "client web: changed (name)",
        "client orders: created",
        "client orders: changed (secret)",
    ]


def test_a_secret_can_be_given_by_its_hash(provision, monkeypatch):
    """As `--hash-secret` prints it."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    call_command("provision", "--hash-secret", stdout=out)
    text = f'[clients.api]\ntype = "resource-server"\nsecret_hash = "{out.getvalue().strip()}"'

    assert SECRET not in out.getvalue()
    assert provision(text).splitlines() == ["api: created"]
    assert provision(text).splitlines() == ["api: up to date"]
    assert provisioning._is_secret_of(Client.objects.get(), SECRET)


def test_a_program_reads_what_was_done(provision, tmp_path, capsys):
    """A line of JSON for each client; of a refusal all faults, and exit code 3."""
    make_client(client_id="ios")
    provision()

    lines = provision(FILE.replace('"Shop"', '"Store"'), "--json").splitlines()

    assert [(one["client_id"], one["outcome"], one["changed"]) for one in map(json.loads, lines)] == [
        ("web", "changed", ["name"]),
        ("next", "unchanged", []),
        ("orders", "unchanged", []),
        ("ios", "unlisted", []),
    ]
    with pytest.raises(SystemExit) as end:
        provision("[clients.a]\nx = 1\ny = 1", "--json")
    assert end.value.code == 3
    assert [one["message"] for one in json.loads(capsys.readouterr().err)["errors"]] == [
        "clients.a.x: unknown key.",
        "clients.a.y: unknown key.",
    ]
    assert not Client.objects.filter(client_id="a").exists()


RESOURCE_SERVER = '[clients.api]\ntype = "resource-server"\n'
REFUSED = {
    '[clients.a]\nredirect_uri = "https://a.example/cb"': "clients.a.redirect_uri: unknown key.",
    '[clients.a]\ntype = "machine"': "clients.a.type: must be one of public, confidential, resource-server.",
    "[clients.a]\ntype = [1]": "clients.a.type: must be one of",
    "[clients.a]\nname = 5": "clients.a.name: must be a text.",
    '[clients.a]\nredirect_uris = "https://a.example/cb"': "clients.a.redirect_uris: must be a list of texts",
    '[clients.a]\nredirect_uris = ["javascript:alert(1)"]': "clients.a.redirect_uris: ",
    '[clients.a]\nfront_end_url = "nonsense"': "clients.a.front_end_url: Enter a base URL",
    "[clients.a]\nstates_end_user = [true]": "clients.a.states_end_user: must be true or false.",
    "[clients.a]\nstates_end_user = true": "clients.a.states_end_user: Only a confidential client",
    '[clients.a]\nrefresh_token_transport = "AIR"': "clients.a.refresh_token_transport: must be one of BODY, COOKIE.",
    '[clients.a]\nsecret_env = "NEXT_SECRET"': "clients.a.secret_env: a public client has no secret.",
    RESOURCE_SERVER: "clients.api: takes one of secret_env, secret_file, secret_hash.",
    f'{RESOURCE_SERVER}secret_env = "NEXT_SECRET"\nsecret_file = "orders.secret"': "clients.api: takes one of",
    f'{RESOURCE_SERVER}secret = "{SECRET}"': "clients.api.secret: unknown key.",
    f'{RESOURCE_SERVER}secret_env = "{SECRET}"': "clients.api.secret_env: names a variable that is not set.",
    f'{RESOURCE_SERVER}secret_env = "HOME"': "clients.api.secret_env: A secret has at least 32 random characters",
    f'{RESOURCE_SERVER}secret_file = "missing"': "clients.api.secret_file: names a file that cannot be read.",
    f'{RESOURCE_SERVER}secret_hash = "{SECRET}"': "clients.api.secret_hash: is not a hash",
    f'{RESOURCE_SERVER}secret_env = "NEXT_SECRET"\nredirect_uris = ["https://a.example"]': "clients.api.redirect_uris",
    f'{RESOURCE_SERVER}secret_hash = "pbkdf2_sha256_random_secret$1$a\\u0000$c"': "clients.api.secret_hash: is not a",
    '[clients.a]\nredirect_uris = ["https://a.example/\\u0000"]': "clients.a.redirect_uris: must be a text",
    f"[clients.a]\nname = {'[' * 5000}": "The file is not TOML: ",
    '[clients."a b"]': "clients.a b: a client id has",
    '[clients."program:cron"]': "clients.program:cron.client_id: The prefix is reserved",
    "clients = 5": "clients: must be a table.",
    "[clients]\na = 5": "clients.a: must be a table.",
    "[client.a]": "client: unknown key; clients are tables such as [clients.web].",
    "[clients": "The file is not TOML: ",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_file_that_is_wrong_is_refused_by_its_key_and_nothing_is_stored(provision, text):
    """Not even the client above the wrong one. No message holds what may be a secret."""
    with pytest.raises(CommandError) as refusal:
        provision(f"{text}\n[clients.good]" if "[clients." in text else text)

    assert REFUSED[text] in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert not Client.objects.exists()


def test_all_faults_of_a_file_are_reported_at_once(provision):
    """One on each line."""
    with pytest.raises(CommandError) as refusal:
        provision('[clients.a]\nx = 1\n[clients.b]\ny = 1\ntype = "z"')

    assert [line.split(":")[0] for line in str(refusal.value).splitlines()] == [
        "clients.a.x",
        "clients.b.y",
        "clients.b.type",
    ]


def test_all_clients_that_the_rows_refuse_are_reported_at_once(provision):
    """Of another kind, or with values that do not fit."""
    make_client(client_id="b")

    with pytest.raises(CommandError) as refusal:
        provision(
            f'[clients.a]\nname = "{"x" * 256}"\n[clients.b]\ntype = "resource-server"\nsecret_env = "NEXT_SECRET"'
        )

    assert [line.split(":")[0] for line in str(refusal.value).splitlines()] == ["clients.a.name", "clients.b.type"]


@pytest.mark.parametrize(
    "fields", [{"client_type": Client.CLIENT_CONFIDENTIAL}, {"first_party": False}, {"first_party": True}]
)
def test_a_client_of_another_kind_is_not_taken_over(provision, fields):
    """And the clients above it are not stored."""
    kind = "resource-server" if fields.get("first_party") else "public"
    make_client(client_id="taken", **fields)
    before = rows()
    secret = 'secret_env = "NEXT_SECRET"' if kind != "public" else ""

    with pytest.raises(CommandError, match=r"clients\.taken\.type: The client taken already exists"):
        provision(f'[clients.fresh]\n[clients.taken]\ntype = "{kind}"\n{secret}')

    assert rows() == before


def test_a_file_that_is_not_there_is_refused(db, tmp_path):
    """With the reason of the system."""
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("provision", str(tmp_path / "missing.toml"))


@pytest.mark.django_db(transaction=True)
def test_two_that_create_the_same_client_at_once_both_succeed():
    """Two containers that start together: one creates it, and only its secret is shown, which works."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory has one connection")
    together = Barrier(2)

    def create(_number):
        together.wait()
        try:
            return provisioning.ensure(Wanted(client_id="server", kind=Kind.CONFIDENTIAL))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(create, range(2)))

    (secret,) = [one.secret for one in done if one.secret]
    assert sorted(one.created for one in done) == [False, True]
    assert provisioning._is_secret_of(Client.objects.get(), secret)


def test_ensure_client_makes_a_resource_server_once(db):
    """Its secret is shown when it is made."""
    first, second = (
        ensured("--client-id", "orders", "--resource-server"),
        ensured("--client-id", "orders", "--resource-server"),
    )

    made = Client.objects.get()
    assert (made.client_type, made.first_party, made.is_resource_server) == ("confidential", False, True)
    assert provisioning._is_secret_of(made, first.split()[-1])
    assert "ecret" not in second


@pytest.mark.parametrize(
    ("made", "asked"), [("--confidential", "--resource-server"), ("--resource-server", "--confidential")]
)
def test_ensure_client_does_not_turn_a_client_into_a_resource_server_or_back(db, made, asked):
    """Its tokens and its secret would live on with other rights."""
    ensured("--client-id", "server", made)
    before = rows()

    with pytest.raises(CommandError, match="server already exists"):
        ensured("--client-id", "server", asked)

    assert rows() == before


def test_a_new_secret_replaces_the_old_one(graphql, account):
    """S90: a client has one secret. Its sessions go on."""
    old = ensured("--client-id", "server", "--confidential").split()[-1]
    given = {"email": account.email, "password": PASSWORD, "clientId": "server"}
    assert codes(graphql(TOKEN_AUTH, input={**given, "clientSecret": old}).data["tokenAuth"]) == []

    new = ensured("--client-id", "server", "--confidential", "--new-secret").split()[-1]

    assert codes(graphql(TOKEN_AUTH, input={**given, "clientSecret": old}).data["tokenAuth"]) == ["INVALID_CLIENT"]
    assert Session.objects.count() == 1
    assert codes(graphql(TOKEN_AUTH, input={**given, "clientSecret": new}).data["tokenAuth"]) == []


def test_ensure_client_tells_a_program_what_was_done(db):
    """The secret only when it is made."""
    arguments = ("--client-id", "orders", "--resource-server", "--json")

    first, second = json.loads(ensured(*arguments)), json.loads(ensured(*arguments))

    assert provisioning._is_secret_of(Client.objects.get(), first.pop("client_secret"))
    assert first == {"client_id": "orders", "created": True, "changed": []}
    assert second == {"client_id": "orders", "created": False, "changed": []}


def test_the_hash_of_a_secret_is_json_for_programs(monkeypatch):
    """As all output with `--json`."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    out = io.StringIO()

    call_command("provision", "--hash-secret", "--json", stdout=out)

    assert json.loads(out.getvalue())["secret_hash"].startswith("pbkdf2")


def test_a_public_client_gets_no_new_secret(db):
    """It has none, and nothing changes."""
    ensured("--client-id", "ios")
    before = rows()

    with pytest.raises(CommandError, match="--new-secret"):
        ensured("--client-id", "ios", "--new-secret")

    assert rows() == before
