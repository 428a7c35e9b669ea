"""`exportAccount`: everything about oneself, no secret, and nothing of anybody else."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.guard.models import SecurityEvent
from accounts.leaving import export
from accounts.leaving.holdings import HOLDINGS
from accounts.tokens.api import AccessToken
from accounts.tokens.models import Session
from tests.api import TOKEN_AUTH, codes
from tests.factories import PASSWORD, make_account
from tests.leaving.somebody import STAFF_ADDRESS, STAFF_AGENT
from tests.providers.stored import everything, nothing_changes

EXPORT = "mutation { exportAccount { data errors { code field message } } }"


@pytest.fixture
def exported(graphql, somebody):
    """The data of somebody."""
    payload = graphql(EXPORT, token=somebody.access_token).data["exportAccount"]
    assert payload["errors"] == []
    return payload["data"]


def test_every_table_is_there(exported):
    """In the order of the list, with at least the row that the test has made."""
    assert list(exported) == ["exported_at", "most_rows", "truncated", *(holding.name for holding in HOLDINGS)]
    assert all(exported[holding.name] for holding in HOLDINGS)
    assert exported["truncated"] == []


def test_the_account_is_there_as_it_is(exported, somebody):
    """Instants in UTC."""
    account = somebody.account

    assert exported["account"]["id"] == str(account.pk)
    assert exported["account"]["email"] == "lovelace@example.com"
    assert exported["account"]["date_joined"].endswith("Z")
    assert exported["social_accounts"][0]["extra_data__email"] == "lovelace@example.com"
    assert exported["groups"] == [{"group__name": "Analysts"}]


def test_no_secret_is_in_it(exported, somebody):
    """S15: no token, no hash, no digest, no code."""
    text = json.dumps(exported)
    stored = everything()
    secrets = [somebody.access_token, somebody.refresh_token, somebody.account.password, "a-secret-code"]
    secrets += ["a-device-code", "USER-CODE"]
    secrets += [row["token_checksum"] for row in stored["oauth2_provider.AccessToken"]]
    secrets += [row["token_checksum"] for row in stored["oauth2_provider.RefreshToken"]]
    secrets += [row["digest"] for row in stored["accounts.Challenge"]]
    secrets += [row["client_secret"] for row in stored["accounts.Client"]]
    secrets += [str(row["id"]) for row in stored["accounts.MailedCode"]] + ["a-hash"]

    assert [secret for secret in secrets if secret in text] == []


def test_nothing_of_anybody_else_is_in_it(exported, somebody):
    """Neither the member of staff who changed the account, nor whoever this person changed."""
    text = json.dumps(exported)
    others = [row for row in everything()["accounts.Account"] if row["id"] != somebody.account.pk]

    assert others
    assert [row for row in others if row["email"] in text or str(row["id"]) in text] == []
    assert exported["security_events_by_others"]
    assert STAFF_ADDRESS not in text
    assert STAFF_AGENT not in text


def test_it_is_recorded(exported, somebody):
    """S58: who took a copy, when, from where."""
    event = SecurityEvent.objects.get(type="account:export")

    assert (event.subject, event.actor, event.client) == (somebody.account.pk, somebody.account.pk, "web")
    assert event.ip_address == "127.0.0.1"


def test_a_long_table_is_cut_and_says_so(graphql, somebody, monkeypatch):
    """The newest rows are there."""
    monkeypatch.setattr(export, "MOST_ROWS", 2)
    events = [SecurityEvent(type=f"test:{n}", subject=somebody.account.pk) for n in range(3)]
    SecurityEvent.objects.bulk_create(events)

    data = graphql(EXPORT, token=somebody.access_token).data["exportAccount"]["data"]

    assert "security_events" in data["truncated"]
    assert [event["type"] for event in data["security_events"]] == ["test:2", "test:1"]
    assert data["most_rows"] == 2


def test_it_needs_a_recent_proof(graphql, signed_in):
    """A found phone gives nobody the whole life of its owner."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))

    with nothing_changes():
        payload = graphql(EXPORT, token=signed_in.access_token).data["exportAccount"]
    assert (payload["data"], codes(payload)) == (None, ["REAUTHENTICATION_REQUIRED"])


def test_it_is_limited(graphql, signed_in):
    """S56: each costs a read of all tables, so successes count too."""
    for _ in range(100):
        payload = graphql(EXPORT, token=signed_in.access_token).data["exportAccount"]
        if payload["errors"]:
            break

    assert (payload["data"], codes(payload)) == (None, ["RATE_LIMITED"])
    assert SecurityEvent.objects.filter(type="account:export").count() < 100
    assert SecurityEvent.objects.filter(type="account:export:failure").exists()


def test_it_is_for_who_is_signed_in(graphql, db):
    """There is nothing to take."""
    assert graphql(EXPORT).codes == ["UNAUTHENTICATED"]


def test_a_token_that_is_revoked_meanwhile_exports_nothing(graphql, signed_in, monkeypatch):
    """S21: looked at again under the account's lock."""
    attempt = export.limits.attempt

    def revoked_first(*args, **kwargs):
        AccessToken.objects.all().delete()
        return attempt(*args, **kwargs)

    monkeypatch.setattr(export.limits, "attempt", revoked_first)

    assert graphql(EXPORT, token=signed_in.access_token).codes == ["UNAUTHENTICATED"]
    assert not SecurityEvent.objects.filter(type="account:export").exists()


def test_everyone_gets_their_own(graphql, sign_in):
    """By the bearer, not by an id that somebody sends."""
    other = sign_in(make_account())
    mine = sign_in(make_account())

    data = graphql(EXPORT, token=mine.access_token).data["exportAccount"]["data"]

    assert data["account"]["email"] == mine.account.email
    assert other.account.email not in json.dumps(data)
    given = {"email": other.account.email, "password": PASSWORD}
    assert graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["errors"] == []
