"""`register`: an account and its first tokens, or every failure of every field."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.passwords.forms import RegistrationForm
from accounts.people.forms import AccountForm, create_account, store, validated
from accounts.people.models import Account
from accounts.people.usernames import username_key
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REGISTER, codes
from tests.factories import make_account, make_client

ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Augusta", "password": PASSWORD}


@pytest.fixture
def register(graphql):
    """The payload of registering Ada, with changes."""
    return lambda **changes: graphql(REGISTER, input={**ADA, **changes}).data["register"]


def failures(payload) -> set[tuple[str, str]]:
    """Field and code of each error; nothing was stored, and nobody is signed in."""
    assert payload["tokens"] is None
    assert payload["account"] is None
    assert payload["isNewAccount"] is False
    assert not Session.objects.exists()
    assert not AccessToken.objects.exists()
    return {(".".join(error["field"]), error["code"]) for error in payload["errors"]}


def test_registering_signs_in_at_once(register, graphql):
    """Exactly one of tokens and errors."""
    payload = register()

    tokens = payload["tokens"]
    assert payload["errors"] == []
    assert payload["isNewAccount"] is True
    assert payload["account"]["email"] == "ada@example.com"
    assert (tokens["tokenType"], tokens["scope"]) == ("Bearer", "account")
    assert 14 * 60 <= tokens["expiresIn"] <= 15 * 60
    assert 14 * 24 * 3600 <= tokens["refreshTokenExpiresIn"] <= 14 * 24 * 3600 + 15 * 60
    assert min(len(tokens["accessToken"]), len(tokens["refreshToken"])) >= 43
    assert graphql(ME, token=tokens["accessToken"]).data["me"] == payload["account"]


def test_what_is_stored_is_canonical(register):
    """Trimmed, lower case; the name as typed; last_login is now."""
    register(email="  Ada@Example.COM ", username=" Ada ", firstName=" Augusta ", lastName=" King ")

    account = Account.objects.get()
    assert (account.email, account.username, account.first_name, account.last_name) == (
        "ada@example.com", "Ada", "Augusta", "King",
    )  # fmt: skip
    assert account.last_login is not None
    assert abs(account.last_login - timezone.now()) < timedelta(minutes=1)
    assert not (account.is_staff or account.is_superuser or account.email_verified)


def test_every_failure_of_every_field_comes_at_once(register):
    """With the path as the client spells it."""
    payload = register(email="nobody", username="a b", firstName=" ", lastName="x" * 151, password="short")

    assert failures(payload) >= {
        ("email", "INVALID_INPUT"),
        ("username", "INVALID_INPUT"),
        ("firstName", "REQUIRED"),
        ("lastName", "TOO_LONG"),
        ("password", "PASSWORD_TOO_SHORT"),
    }
    assert all(error["message"] for error in payload["errors"])
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"email": ""}, ("email", "REQUIRED")),
        ({"username": ""}, ("username", "REQUIRED")),
        ({"firstName": ""}, ("firstName", "REQUIRED")),
        ({"password": ""}, ("password", "REQUIRED")),
        ({"email": f"{'a' * 250}@example.com"}, ("email", "TOO_LONG")),
        ({"username": "a" * 151}, ("username", "TOO_LONG")),
        ({"firstName": "a" * 151}, ("firstName", "TOO_LONG")),
        ({"lastName": "a" * 151}, ("lastName", "TOO_LONG")),
        ({"email": "ada"}, ("email", "INVALID_INPUT")),
        ({"username": "ada@example.com"}, ("username", "INVALID_INPUT")),
        ({"firstName": "http://evil.example"}, ("firstName", "INVALID_INPUT")),
        ({"lastName": "\u202e"}, ("lastName", "INVALID_INPUT")),
        ({"password": "m4Zr!q9Wp@L"}, ("password", "PASSWORD_TOO_SHORT")),
        ({"password": "plumtree window " * 65}, ("password", "PASSWORD_TOO_LONG")),
        ({"password": "qwerty123456789"}, ("password", "PASSWORD_TOO_COMMON")),
        ({"password": "ada@example.com"}, ("password", "PASSWORD_TOO_SIMILAR")),
        ({"clientId": "nobody"}, ("clientId", "INVALID_CLIENT")),
        ({"clientSecret": "secret"}, ("clientSecret", "INVALID_CLIENT")),
        ({"scope": "admin"}, ("scope", "INVALID_SCOPE")),
    ],
)
def test_each_failure_has_its_code(register, changes, failure):
    """One at a time."""
    assert failures(register(**changes)) == {failure}
    assert not Account.objects.exists()


@pytest.mark.parametrize("name", ["", None])
def test_a_family_name_may_be_left_out_or_empty(register, name):
    """Many people have none; typed clients send null for what is left out."""
    assert register(lastName=name)["errors"] == []
    assert Account.objects.get().last_name == ""


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@example.com", " Ada@EXAMPLE.com "])
def test_an_address_is_taken_in_any_case(register, email):
    """S4."""
    make_account(email="ada@example.com")

    assert failures(register(email=email)) == {("email", "EMAIL_TAKEN")}
    assert Account.objects.count() == 1


def test_an_address_and_a_username_can_both_be_taken(register):
    """By two people."""
    make_account(email="ada@example.com")
    make_account(username="ADA")

    assert failures(register()) == {("email", "EMAIL_TAKEN"), ("username", "USERNAME_TAKEN")}
    assert Account.objects.count() == 2


def test_a_disabled_account_still_holds_its_address_and_name(register):
    """Else disabling would give the address away."""
    make_account(email="ada@example.com", username="ada", is_active=False)

    assert failures(register()) == {("email", "EMAIL_TAKEN"), ("username", "USERNAME_TAKEN")}


@pytest.mark.parametrize(
    ("other", "code"),
    [({"email": "ada@example.com"}, "EMAIL_TAKEN"), ({"username": "ADA"}, "USERNAME_TAKEN")],
)
def test_losing_a_race_gives_the_same_code_as_being_late(register, monkeypatch, other, code):
    """S4: the other registration is stored after the form has looked and before we store."""
    look = RegistrationForm.full_clean

    def look_then_lose(form):
        look(form)
        monkeypatch.setattr(RegistrationForm, "full_clean", look)
        make_account(**other)

    monkeypatch.setattr(RegistrationForm, "full_clean", look_then_lose)

    assert {code for _, code in failures(register())} == {code}
    assert not Account.objects.filter(first_name=ADA["firstName"]).exists()


def test_an_integrity_error_of_another_kind_is_not_taken_for_one(db):
    """What the form cannot explain is no expected failure, such as an address that is not canonical."""
    form = AccountForm({"email": "ada@example.com", "username": "ada", "first_name": "Ada"})
    account = validated(form)
    account.email = "Ada@example.com"

    with pytest.raises(IntegrityError), transaction.atomic():
        store(form, account)

    assert not Account.objects.exists()


def test_a_form_asks_the_database_once(db):
    """For the address and the username together, and for nothing else."""
    make_account(email="ada@example.com", username="ada")
    given = {"email": "ada@example.com", "username": "ADA", "first_name": "Ada", "locale": "en", "password": PASSWORD}
    form = RegistrationForm(given)

    with CaptureQueriesContext(connection) as statements:
        errors = form.errors.as_data()

    assert {name: [error.code for error in its] for name, its in errors.items()} == {
        "email": ["unique"],
        "username": ["unique"],
    }
    assert len(statements) == 1


def test_what_two_accounts_have_is_found(db):
    """The address of one, the username of another."""
    make_account(email="ada@example.com")
    make_account(username="ada")
    form = AccountForm({"email": "ada@example.com", "username": "ada", "first_name": "Ada"})

    assert form.errors.keys() == {"email", "username"}


def test_only_valid_values_are_looked_up(db):
    """An address that is not valid has another error already."""
    make_account(email="ada@example.com", username="ada")
    form = AccountForm({"email": "ada", "username": "ada", "first_name": "Ada"})

    errors = form.errors.as_data()
    assert {name: [error.code for error in its] for name, its in errors.items()} == {
        "email": ["invalid"],
        "username": ["unique"],
    }


def test_a_new_account_is_stored_as_save_does(db):
    """With its key, and with the signals that Django sends."""
    sent = []
    form = AccountForm({"email": "ada@example.com", "username": "Ame\u0301lie", "first_name": "Ada"})

    def tell(signal, instance, **kwargs):
        sent.append((signal, instance.username, kwargs["raw"], kwargs.get("created")))

    for signal in (pre_save, post_save):
        signal.connect(tell, sender=Account)
    try:
        account = create_account(form)
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(tell, sender=Account)

    assert sent == [(pre_save, "Am\u00e9lie", False, None), (post_save, "Am\u00e9lie", False, True)]
    stored = Account.objects.get()
    assert (stored.username_key, stored.hash_cost, stored.date_joined) == (
        username_key("Am\u00e9lie"),
        account.hash_cost,
        account.date_joined,
    )
    account.first_name = "Grace"
    account.save()
    assert Account.objects.get().first_name == "Grace"


def test_a_failure_to_issue_tokens_leaves_no_account(register, graphql, monkeypatch):
    """One transaction: else the retry would say EMAIL_TAKEN."""

    def fail(**_kwargs):
        raise RuntimeError("no tokens today")

    monkeypatch.setattr(bearer_tokens, "issue", fail)
    answer = graphql(REGISTER, input=ADA)

    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert "no tokens today" not in str(answer.body)
    assert not Account.objects.exists()


def test_a_bearer_token_does_not_matter(graphql, signed_in):
    """@anonymous: a stale one neither fails it nor names the account."""
    for token in (signed_in.access_token, "stale"):
        answer = graphql(
            REGISTER, token=token, input={**ADA, "email": f"{token[:4]}@example.com", "username": token[:4]}
        )
        assert answer.status == 200
        assert answer.data["register"]["account"]["email"] == f"{token[:4]}@example.com".lower()


def test_a_confidential_client_registers_people_only_with_its_secret(register):
    """S66."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)

    for wrong in (
        {},
        {"clientSecret": "wrong"},
        {"clientSecret": ""},
        {"clientSecret": client.client_secret},
    ):
        assert failures(register(clientId=client.client_id, **wrong)) == {("clientSecret", "INVALID_CLIENT")}
    assert not Account.objects.exists()

    assert register(clientId=client.client_id, clientSecret=secret)["errors"] == []
    assert Session.objects.get().client == client


@pytest.mark.parametrize("scope", ["account", " account  account ", "", None])
def test_the_asked_scope_is_honoured(register, scope):
    """The default for none, each once."""
    assert register(scope=scope)["tokens"]["scope"] == "account"
    assert AccessToken.objects.get().scope == "account"


def test_null_for_an_optional_field_is_leaving_it_out(register):
    """Front ends send null for empty inputs."""
    assert codes(register(clientId=None, clientSecret=None, scope=None)) == []


def test_a_session_remembers_from_where_it_began(graphql):
    """For the session list; long agents are cut, NULs dropped."""
    graphql(REGISTER, headers={"User-Agent": "Phone/1 \0" + "x" * 400}, input=ADA)

    session = Session.objects.get()
    assert session.ip_address == "127.0.0.1"
    assert session.user_agent == "Phone/1 " + "x" * 247
    assert RefreshToken.objects.get().token_family == session.token_family
