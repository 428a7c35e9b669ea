"""`updateAccount`: the holder changes what is given, or nothing and hears every failure."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.conf import Rate
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared.languages import canonical_language
from accounts.tokens.api import AccessToken
from tests.api import CONVERT, PASSWORD, REGISTER, TOKEN_AUTH, codes, refusals
from tests.factories import make_account
from tests.live import serving
from tests.providers.stored import nothing_changes

PROFILE = "id username firstName lastName locale"
UPDATE = f"""
mutation ($input: UpdateAccountInput!) {{
  updateAccount(input: $input) {{ account {{ {PROFILE} }} errors {{ code field message retryAfter }} }}
}}
"""
ME = f"{{ me {{ {PROFILE} }} }}"


@pytest.fixture
def ada(sign_in, graphql):
    """Signed in, her token used before: its first use leaves a trace."""
    signed_in = sign_in(make_account(username="ada", first_name="Augusta", last_name="King"))
    graphql(ME, token=signed_in.access_token)
    return signed_in


@pytest.fixture
def update(graphql, ada):
    """The payload of Ada's change."""
    return lambda **changes: graphql(UPDATE, token=ada.access_token, input=changes).data["updateAccount"]


@pytest.fixture
def change_setting(settings):
    """Change settings of the domain."""

    def change(**values):
        settings.LATCHKEY = replace(settings.LATCHKEY, **values)

    return change


def changes_recorded() -> list[str]:
    """The causes of the events of changed profiles."""
    return list(
        SecurityEvent.objects.filter(type="account:update").order_by("created_at").values_list("cause", flat=True)
    )


def test_what_is_given_changes_and_the_rest_stays(update, graphql, ada):
    """Left out and null alike."""
    payload = update(firstName=" Ada ", lastName=None)

    assert payload["errors"] == []
    assert payload["account"] == graphql(ME, token=ada.access_token).data["me"]
    assert payload["account"] | {"id": ""} == {
        "id": "",
        "username": "ada",
        "firstName": "Ada",
        "lastName": "King",
        "locale": "en",
    }


def test_everything_changes_at_once(update):
    """One event tells which fields, and none of their values (S58)."""
    payload = update(username="Lovelace", firstName="Ada", lastName="Byron", locale="pt-br")

    assert payload["account"] | {"id": ""} == {
        "id": "",
        "username": "Lovelace",
        "firstName": "Ada",
        "lastName": "Byron",
        "locale": "pt-BR",
    }
    assert changes_recorded() == ["username, first_name, last_name, locale"]


def test_an_event_says_who_where_and_by_which_client(update, ada):
    """S58."""
    update(firstName="Ada")

    event = SecurityEvent.objects.get(type="account:update")
    assert (event.subject, event.actor, event.client) == (ada.account.pk, ada.account.pk, "web")
    assert event.ip_address == "127.0.0.1"


def test_an_empty_family_name_removes_it(update):
    """Some people have none."""
    assert update(lastName="")["account"]["lastName"] == ""


@pytest.mark.parametrize("changes", [{}, {"username": "ada", "locale": "EN"}, {"username": None, "lastName": " King"}])
def test_what_is_so_already_is_not_written(update, changes):
    """No row changes, and no event says that one did."""
    with nothing_changes(), CaptureQueriesContext(connection) as sent:
        assert update(**changes)["errors"] == []

    assert not [query for query in sent if query["sql"].startswith(("UPDATE", "INSERT"))]


def test_sessions_continue(update, graphql, ada):
    """A name opens nothing."""
    update(username="lovelace", firstName="Ada")

    assert graphql(ME, token=ada.access_token).status == 200


def test_all_failures_of_all_fields_come_at_once(update):
    """And nothing is changed."""
    with nothing_changes():
        payload = update(username="a b", firstName="", lastName="x" * 151, locale="no language")

    assert payload["account"] is None
    assert set(map(str, refusals(payload))) == {
        "('INVALID_INPUT', ['username'])",
        "('REQUIRED', ['firstName'])",
        "('TOO_LONG', ['lastName'])",
        "('INVALID_INPUT', ['locale'])",
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", "", "REQUIRED"),
        ("username", "a" * 151, "TOO_LONG"),
        ("username", "a@example.com", "INVALID_INPUT"),
        ("username", "a\0", "INVALID_INPUT"),
        ("firstName", " ", "REQUIRED"),
        ("firstName", "http://evil", "INVALID_INPUT"),
        ("lastName", "a\u202eb", "INVALID_INPUT"),
        ("locale", "", "REQUIRED"),
        ("locale", "en-" + "a" * 33, "TOO_LONG"),
        ("locale", "de_DE", "INVALID_INPUT"),
    ],
)
def test_each_field_keeps_its_rules(update, field, value, code):
    """S62, S84: those of `register`."""
    with nothing_changes():
        assert refusals(update(**{field: value})) == [(code, [field])]


@pytest.mark.parametrize("username", ["grace", "GRACE", "\uff47race"])
def test_a_username_that_another_account_has_is_taken(update, username):
    """In any case and form (S84)."""
    make_account(username="grace")

    with nothing_changes():
        assert refusals(update(username=username)) == [("USERNAME_TAKEN", ["username"])]


def test_one_may_write_ones_own_username_otherwise(update):
    """It is the same name, and one's own."""
    assert update(username="ADA")["account"]["username"] == "ADA"


# Reserved usernames


@pytest.mark.parametrize("username", ["admin", "Support", "SECURITY", "\uff52oot", "postmaster"])
def test_a_reserved_username_cannot_be_chosen(update, username):
    """USERNAME_TAKEN: its form is right, and the advice is to choose another."""
    with nothing_changes():
        assert refusals(update(username=username)) == [("USERNAME_TAKEN", ["username"])]


def test_a_reserved_username_cannot_be_registered(graphql):
    """Nobody poses as the service from the beginning."""
    given = {"email": "eve@example.com", "username": "Admin", "firstName": "Eve", "password": PASSWORD}

    assert refusals(graphql(REGISTER, input=given).data["register"]) == [("USERNAME_TAKEN", ["username"])]
    assert not Account.objects.exists()


def test_a_reserved_username_cannot_be_chosen_at_a_social_sign_up(graphql, providers):
    """Neither as the answer to a challenge."""
    credential = {"accessToken": providers.google_token(given_name=None, name=None, family_name=None)}
    challenge = graphql(CONVERT, input={"provider": "google", "credential": credential}).data["convertSocialToken"]
    answer = """
    mutation ($input: AnswerProfileChallengeInput!) {
      answerProfileChallenge(input: $input) { errors { code field message } }
    }
    """
    given = {"challengeToken": challenge["challenge"]["token"], "firstName": "Eve", "username": "root"}

    assert codes(graphql(answer, input=given).data["answerProfileChallenge"]) == ["USERNAME_TAKEN"]
    assert not Account.objects.exists()


def test_the_list_of_reserved_usernames_is_a_setting(update, change_setting):
    """Compared as usernames are."""
    change_setting(reserved_usernames=("Acme",))

    assert codes(update(username="\u0410\u0421\u041c\u0415")) == ["USERNAME_TAKEN"]
    assert codes(update(username="admin")) == []


def test_whoever_has_a_reserved_username_keeps_it(update):
    """Staff gave it, or it was reserved later."""
    Account.objects.update(username="support", username_key="support")

    assert update(username="Support", firstName="Help")["errors"] == []


# The interval between two changes of the username


def test_a_username_can_change_at_any_time_by_default(update):
    """Twice."""
    assert update(username="first")["errors"] == update(username="second")["errors"] == []


@pytest.fixture
def changed_today(update, change_setting):
    """Ada has changed her username just now, and may do so once in 30 days."""
    change_setting(username_change_interval=30 * 24 * 3600)
    assert update(username="first")["errors"] == []


def test_a_second_change_within_the_interval_is_refused(update, changed_today):
    """RATE_LIMITED for this field, with the time to wait; the other failures are reported with it."""
    with nothing_changes():
        payload = update(username="second", firstName="")

    assert 29 * 24 * 3600 < payload["errors"][0]["retryAfter"] <= 30 * 24 * 3600
    assert sorted(refusals(payload)) == [("RATE_LIMITED", ["username"]), ("REQUIRED", ["firstName"])]


def test_what_else_is_wrong_with_the_username_is_not_said_within_the_interval(update, changed_today):
    """No other username would be accepted either."""
    make_account(username="grace")

    assert refusals(update(username="grace")) == refusals(update(username="a b")) == [("RATE_LIMITED", ["username"])]


def test_the_rest_of_the_profile_changes_within_the_interval(update, changed_today):
    """With the username as it is."""
    assert update(username="first", firstName="Ada")["errors"] == []


def test_the_username_changes_again_after_the_interval(update, changed_today):
    """The interval counts from the last change."""
    Account.objects.update(username_changed_at=timezone.now() - timedelta(days=31))

    assert update(username="second")["errors"] == []
    assert codes(update(username="third")) == ["RATE_LIMITED"]


# Language tags


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("EN", "en"),
        ("pt-br", "pt-BR"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("sl-rozaj-BISKE-1994", "sl-rozaj-biske-1994"),
        ("es-419", "es-419"),
        ("zh-YUE-hk", "zh-yue-HK"),
        ("de-CH-1996-U-CO-phonebk", "de-CH-1996-u-co-phonebk"),
        ("en-ca-X-CA-Latn", "en-CA-x-ca-latn"),
    ],
)
def test_a_language_is_stored_as_the_standard_writes_it(given, canonical):
    """RFC 5646 §2.1.1."""
    assert canonical_language(given) == canonical
    assert canonical_language(canonical) == canonical


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "-",
        "en-",
        "-en",
        "en--US",
        "de_DE",
        "de.UTF-8",
        "en-a",
        "x-ada",
        "123",
        "\u212aa",
        "en\n",
        "de-\u0661",
        "*",
    ],
)
def test_what_is_no_language_tag_is_refused(tag):
    """RFC 5646 §2.1."""
    with pytest.raises(ValidationError):
        canonical_language(tag)


def test_a_long_text_is_no_language_tag(update):
    """S80: its length is looked at first."""
    with nothing_changes():
        assert codes(update(locale="a-" * 20_000)) == ["TOO_LONG"]


# Who may


def test_it_is_for_who_is_signed_in(graphql, ada):
    """Nothing changes."""
    with nothing_changes():
        assert graphql(UPDATE, input={"firstName": "Eve"}).codes == ["UNAUTHENTICATED"]


def test_a_token_that_is_revoked_meanwhile_changes_nothing(graphql, ada, monkeypatch):
    """S21: looked at again under the account's lock."""
    from accounts.people import profile

    def revoked_first(*args, **kwargs):
        AccessToken.objects.all().delete()
        return attempt(*args, **kwargs)

    attempt = profile.limits.attempt
    monkeypatch.setattr(profile.limits, "attempt", revoked_first)

    assert graphql(UPDATE, token=ada.access_token, input={"firstName": "Eve"}).codes == ["UNAUTHENTICATED"]
    assert Account.objects.get().first_name == "Augusta"
    assert changes_recorded() == []


def test_what_is_refused_is_limited(update, change_setting, settings):
    """S56: nobody finds out by the thousand which usernames are taken. Changes that succeed do not count."""
    limits = {**settings.LATCHKEY.rate_limits, "update_account.account": Rate(3, 3600)}
    change_setting(rate_limits=limits)
    make_account(username="grace")
    for name in "abcdef":
        assert update(firstName=name)["errors"] == []

    assert [codes(update(username="grace")) for _ in range(4)] == [["USERNAME_TAKEN"]] * 3 + [["RATE_LIMITED"]]


def test_changes_are_limited(update, change_setting, settings):
    """S58: each is an event, and nobody fills the disk with them."""
    limits = {**settings.LATCHKEY.rate_limits, "update_account.success": Rate(3, 3600)}
    change_setting(rate_limits=limits)

    assert [codes(update(firstName=name)) for name in "abcd"] == [[]] * 3 + [["RATE_LIMITED"]]
    assert len(changes_recorded()) == 3


def test_a_refused_change_is_recorded(update):
    """S58: with the code of the refusal, not with what was sent."""
    update(username="a b")

    event = SecurityEvent.objects.get(type="account:update:failure")
    assert event.cause == "INVALID_INPUT"


def test_over_http_and_in_races(tmp_path):
    """Six people want one name at the same moment: one has it, and the others hear that it is taken."""
    with serving(tmp_path, WORKERS="2") as live:
        tokens = []
        for number in range(6):
            given = {
                "email": f"p{number}@example.com",
                "username": f"p{number}",
                "firstName": "P",
                "password": PASSWORD,
            }
            tokens.append(live.post(REGISTER, input=given)[1]["data"]["register"]["tokens"]["accessToken"])

        def update(token, **changes):
            status, body = live.post(UPDATE, headers={"Authorization": f"Bearer {token}"}, input=changes)
            assert status == 200
            return body["data"]["updateAccount"]

        with ThreadPoolExecutor(6) as pool:
            for name in ("ada", "grace", "edsger"):
                payloads = list(pool.map(lambda token, name=name: update(token, username=name), tokens))
                assert sorted(map(codes, payloads)) == [[]] + [["USERNAME_TAKEN"]] * 5

        renamed = update(tokens[0], firstName="Ada", locale="de-de")["account"]
        assert (renamed["firstName"], renamed["locale"]) == ("Ada", "de-DE")
        signed_in = live.post(TOKEN_AUTH, input={"email": "p0@example.com", "password": PASSWORD})[1]
        assert signed_in["data"]["tokenAuth"]["errors"] == []
