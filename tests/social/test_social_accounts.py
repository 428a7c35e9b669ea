"""Which account a proven identity belongs to, and what a new one is made of."""

import json
import re
from dataclasses import replace

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.texts import canonical_email
from accounts.social import sign_up
from accounts.social.errors import ProviderRejected
from accounts.social.sign_up import AddressTaken, Incomplete
from tests.factories import make_account
from tests.providers.stored import everything, nothing_changes
from tests.social.identifying import identify

pytestmark = pytest.mark.django_db

RLO = "\u202e"
"""RIGHT-TO-LEFT OVERRIDE."""


def test_the_first_sign_in_makes_an_account(providers):
    """Of what the provider vouches for; it has no password."""
    identified = identify(provider="google", access_token=providers.google_token())

    account = Account.objects.get()
    assert identified.account == account
    assert identified.is_new
    assert (account.email, account.email_verified) == ("ada@example.com", True)
    assert (account.first_name, account.last_name) == ("Ada", "Lovelace")
    assert account.is_active
    assert not (account.is_staff or account.is_superuser or account.has_usable_password())
    identity = UserSocialAuth.objects.get()
    assert (identity.user, identity.provider, identity.uid) == (
        account,
        "google-oauth2",
        "110169484474386276334",
    )


def test_later_sign_ins_find_it(providers):
    """By another token of the same person."""
    first = identify(provider="google", access_token=providers.google_token())
    second = identify(provider="google", access_token=providers.google_token())

    assert (second.account, second.is_new) == (first.account, False)
    assert Account.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.parametrize("changed", [{"email": "new@example.com"}, {"email": None}, {"email_verified": False}])
def test_a_person_is_known_by_the_subject_whatever_became_of_the_address(providers, changed):
    """S31: and the account is left as it is."""
    first = identify(provider="google", access_token=providers.google_token())
    before = Account.objects.values().get()

    again = identify(provider="google", access_token=providers.google_token(given_name=None, **changed))

    assert again.account == first.account
    assert Account.objects.values().get() == before


def test_another_subject_with_the_same_address_is_another_person(providers):
    """S31: an address that was given to somebody else is no key to the account of its former holder."""
    identify(provider="google", access_token=providers.google_token())

    with nothing_changes():
        assert isinstance(identify(provider="google", access_token=providers.google_token(sub="2")), AddressTaken)


def test_the_same_subject_at_another_provider_is_another_person(providers):
    """S31: the identity is (provider, sub)."""
    google = identify(provider="google", access_token=providers.google_token(sub="7"))
    facebook = identify(provider="facebook", access_token=providers.facebook_token(id="7", email="x@example.com"))

    assert facebook.is_new
    assert facebook.account != google.account


@pytest.mark.parametrize("setting", ["SOCIAL_AUTH_ID_KEY", "SOCIAL_AUTH_GOOGLE_OAUTH2_ID_KEY"])
def test_no_setting_makes_the_address_the_identity(providers, settings, setting):
    """S31, trap 21."""
    setattr(settings, setting, "email")
    identify(provider="google", access_token=providers.google_token())

    with nothing_changes():
        assert isinstance(identify(provider="google", access_token=providers.google_token(sub="2")), AddressTaken)
    identity = UserSocialAuth.objects.get()
    assert (identity.id_key, identity.uid) == ("sub", "110169484474386276334")


@pytest.mark.parametrize("id_key", ["", "email"])
def test_a_row_that_names_an_address_is_nobodys_identity(providers, id_key):
    """S31: social-core would find Google's people by the address in rows of older versions."""
    victim = make_account(email="victim@example.com")
    UserSocialAuth.objects.create(user=victim, provider="google-oauth2", uid="ada@example.com", id_key=id_key)

    assert identify(provider="google", access_token=providers.google_token()).account != victim


@pytest.mark.parametrize(
    "address",
    ["ada@example.com", "ADA@Example.com", " ada@example.com ", "ada@ｅxample.com", "ada@EXAMPLE.com\n"],
)
@pytest.mark.parametrize("verified", [True, False, "true", "false", None])
def test_an_address_of_an_account_asks_for_a_link(providers, address, verified):
    """S32, S33: in any spelling, verified or not. Nothing is stored, and nobody is let in."""
    make_account(email="ada@example.com", email_verified=True)
    token = providers.google_token(email=address, email_verified=verified)

    with nothing_changes():
        assert isinstance(identify(provider="google", access_token=token), AddressTaken)


@pytest.mark.parametrize("fields", [{}, {"password": None}, {"is_active": False}])
def test_no_account_is_joined_by_its_address(providers, fields):
    """S33: not without a password either."""
    make_account(email="ada@example.com", email_verified=True, **fields)

    with nothing_changes():
        assert isinstance(identify(provider="google", access_token=providers.google_token()), AddressTaken)


def test_a_facebook_address_of_an_account_asks_for_a_link(providers):
    """S32: Facebook does not even say whether the address is verified."""
    make_account(email="ada@example.com")

    with nothing_changes():
        outcome = identify(provider="facebook", access_token=providers.facebook_token())
    assert outcome == AddressTaken(account=None)


@pytest.mark.parametrize(
    ("claim", "verified"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        (None, False),
        (1, False),
        ("True", False),
        ([True], False),
    ],
)
def test_only_an_address_that_the_provider_has_verified_is_marked_so(providers, claim, verified):
    """S32: true or "true", and nothing else."""
    token = providers.google_token(email_verified=claim)

    assert identify(provider="google", access_token=token).account.email_verified is verified


@pytest.mark.parametrize("claims", [{}, {"email_verified": True}, {"verified": True}])
def test_an_address_from_facebook_is_not_marked_verified(providers, claims):
    """S32: what is not documented to be said is not asked for, and not believed."""
    account = identify(provider="facebook", access_token=providers.facebook_token(**claims)).account

    assert account.email == "ada@example.com"
    assert not account.email_verified
    assert "verified" not in providers.asked[-1].query["fields"]


def test_an_address_is_stored_in_its_one_spelling(providers):
    """S4."""
    token = providers.google_token(email=" Ada@BÜCHER.example")

    assert identify(provider="google", access_token=token).account.email == canonical_email("ada@bücher.example")


@pytest.mark.parametrize(
    ("claims", "missing"),
    [
        ({"email": None}, ("email",)),
        ({"given_name": None}, ("first_name",)),
        ({"email": None, "given_name": None}, ("email", "first_name")),
        ({"email": "", "given_name": " "}, ("email", "first_name")),
        ({"email": 7, "given_name": ["Ada"]}, ("email", "first_name")),
        ({"email": "no address"}, ("email",)),
        ({"email": "ada\0@example.com"}, ("email",)),
        ({"email": "\ud800@example.com"}, ("email",)),
        ({"email": "ada@\ud800.com"}, ("email",)),
        ({"email": f"{'a' * 300}@example.com"}, ("email",)),
        ({"given_name": ":/\u202e\0\n"}, ("first_name",)),
        ({"given_name": "\ud800"}, ("first_name",)),
    ],
)
def test_what_is_missing_is_asked_for_together(providers, claims, missing):
    """What the provider told in no usable form counts as not told."""
    token = providers.google_token(**claims)

    with nothing_changes():
        outcome = identify(provider="google", access_token=token)

    assert isinstance(outcome, Incomplete)
    assert outcome.missing == missing


@pytest.mark.parametrize("name", ["ada.lovelace@example.org", "ada"])
def test_an_address_is_no_name(providers, name):
    """Auth0 tells the address as the name, where it knows no other: names and usernames are public."""
    token = providers["openid"].access_token(given_name=None, family_name=None, name=name)

    with nothing_changes():
        outcome = identify(provider="corp", access_token=token)
    assert isinstance(outcome, Incomplete)
    assert outcome.missing == ("first_name",)
    assert outcome.suggestion.username.startswith("user-")


@pytest.mark.parametrize("told", [{"email": "a\0b@example.com"}, {"email": "\ud800@x.example", "name": "\ud800"}])
def test_what_no_database_takes_is_not_kept(providers, told):
    """NUL and half a surrogate pair: in what is remembered of a known identity."""
    identify(provider="google", access_token=providers.google_token())

    assert not identify(provider="google", access_token=providers.google_token(**told)).is_new


def test_a_verified_address_that_is_the_accounts_is_marked_so(providers):
    """By whichever of its identities."""
    account = identify(provider="google", access_token=providers.google_token(email_verified=False)).account
    assert not account.email_verified

    identify(provider="google", access_token=providers.google_token())

    account.refresh_from_db()
    assert account.email_verified


def test_what_facebook_does_not_tell_is_asked_for(providers):
    """People there need not have an address, and may refuse to give it."""
    token = providers.facebook_token(email=None, first_name=None)

    with nothing_changes():
        outcome = identify(provider="facebook", access_token=token)

    assert isinstance(outcome, Incomplete)
    assert outcome.missing == ("email", "first_name")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("  Ada \t Augusta\n", "Ada Augusta"),
        ("Ada https://evil.example/", "Ada https evil.example"),
        (f"{RLO}Ada", "Ada"),
        ("A\0da", "A da"),
        ("Zoë 明 José", "Zoë 明 José"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * 151, "x" * 150),
        ("x" * 149 + " y", "x" * 149),
    ],
)
def test_names_are_cleaned_rather_than_refused(providers, told, kept):
    """S62: a provider's name takes nothing into our mails, and keeps nobody out."""
    token = providers.google_token(given_name=told, family_name=told)

    account = identify(provider="google", access_token=token).account

    assert (account.first_name, account.last_name) == (kept, kept)


@pytest.mark.parametrize("family_name", [None, "", 7, "://", RLO, "\ud800"])
def test_a_family_name_that_cannot_be_used_is_left_out(providers, family_name):
    """It is optional."""
    token = providers.google_token(family_name=family_name)

    assert identify(provider="google", access_token=token).account.last_name == ""


@pytest.mark.parametrize(
    ("given_name", "pattern"),
    [("Ada", "ada"), ("José María", "josemaria"), ("明", "user"), ("x" * 150, "x{20}"), ("Kurt-7", "kurt")],
)
def test_a_username_is_readable_random_and_not_of_the_address(providers, given_name, pattern):
    """`users` shows it: half an address would be published."""
    token = providers.google_token(given_name=given_name, email="secret.local.part@example.com")

    username = identify(provider="google", access_token=token).account.username

    assert re.fullmatch(pattern + r"-[a-z2-9]{8}", username)
    assert not {"secret", "local", "part"} & set(re.split(r"\W", username))


def test_a_username_tells_no_name_where_names_are_not_public(providers, settings):
    """PUBLIC_NAMES=off would mean little otherwise."""
    settings.LATCHKEY = replace(settings.LATCHKEY, public_names=False)

    assert identify(provider="google", access_token=providers.google_token()).account.username.startswith("user-")


def test_a_username_that_is_taken_is_made_anew(providers, monkeypatch):
    """Two people of one name and one random number."""
    make_account(username="ADA-taken")
    made = iter(["ada-taken", "ada-free"])
    monkeypatch.setattr(sign_up, "random_username", lambda _name: next(made))

    assert identify(provider="google", access_token=providers.google_token()).account.username == "ada-free"


def test_a_disabled_account_is_told_so_and_left_alone(providers):
    """S34: last_login stays."""
    account = identify(provider="google", access_token=providers.google_token()).account
    Account.objects.filter(pk=account.pk).update(is_active=False, last_login=timezone.now())

    with nothing_changes(), pytest.raises(AccountDisabled):
        identify(provider="google", access_token=providers.google_token())


@pytest.mark.parametrize(
    ("email", "verified", "allowed"),
    [
        ("ada@example.com", True, True),
        ("ada@example.com", False, False),
        ("ada@example.org", True, False),
    ],
)
def test_a_list_of_allowed_domains_holds_for_verified_addresses_only(providers, settings, email, verified, allowed):
    """S32: social-core's list, which anybody could pass by claiming an address."""
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS = ["example.com"]
    token = providers.google_token(email=email, email_verified=verified)

    if allowed:
        assert identify(provider="google", access_token=token).is_new
    else:
        with nothing_changes(), pytest.raises(ProviderRejected):
            identify(provider="google", access_token=token)


def test_no_provider_token_is_stored(providers):
    """S15, trap 17: in no column of any table, neither at the first sign-in nor later."""
    tokens = [
        providers.google_token(),
        providers.google_token(),
        providers.facebook_token(email="g@example.com"),
    ]
    for token in tokens:
        identify(provider="facebook" if token.startswith("EAA") else "google", access_token=token)

    stored = json.dumps(everything(), default=str)
    assert "110169484474386276334" in stored  # the dump is one of what there is
    for token in tokens:
        assert token not in stored
    assert [set(identity.extra_data) for identity in UserSocialAuth.objects.all()] == [{"email", "last_used_at"}] * 2
