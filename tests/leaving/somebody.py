"""A person about whom every table holds something."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from oauth2_provider.models import get_device_grant_model, get_grant_model, get_id_token_model

from accounts.challenges import steps
from accounts.factors.models import FactorReset, RememberedBrowser
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.leaving.holdings import HOLDINGS
from accounts.mails import codes as mailed
from accounts.mails import queue
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Client, Session
from accounts.verification.models import PendingRegistration
from tests.api import LINK, ME, REFRESH, SignedIn, codes
from tests.factories import make_account, make_client
from tests.mfa.enrolled import with_app, with_codes, with_passkey

ADDRESS, AGENT = "203.0.113.77", "Difference Engine/1.0"
STAFF_ADDRESS, STAFF_AGENT = "203.0.113.88", "Analytical Engine/1.0"
SUBJECT_AT_GOOGLE = "110169484474386276334"


def traces(account: Account) -> list[str]:
    """Texts that lead to the person."""
    return [str(account.pk), account.pk.hex, "lovelace@example.com", "Countess", SUBJECT_AT_GOOGLE, ADDRESS, AGENT]


@pytest.fixture
def somebody(graphql, sign_in, providers) -> SignedIn:
    """Signed in, with a row in each table that can hold one."""
    account = make_account(
        email="lovelace@example.com", username="Countess", first_name="Ada", last_name="Lovelace", email_verified=True
    )
    signed_in: SignedIn = sign_in(account)
    fresh = {"provider": "google", "credential": {"accessToken": providers.google_token(email="lovelace@example.com")}}
    linked = graphql(LINK, token=signed_in.access_token, input={"source": {"credential": fresh}})
    assert codes(linked.data["linkSocialAccount"]) == []
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    graphql(ME, token=pair["accessToken"])
    surround(account)
    assert [holding.name for holding in HOLDINGS if not holding.of(account).exists()] == []
    return SignedIn(account, pair["accessToken"], pair["refreshToken"])


def surround(account: Account) -> None:
    """Rows of the tables that no call of the API fills here."""
    now, client = timezone.now(), Client.objects.get(client_id="web")
    later = now + timedelta(hours=1)
    group = Group.objects.create(name="Analysts")
    account.groups.add(group)
    account.user_permissions.add(Permission.objects.all()[0])
    grant: Any = {"user": account, "application": client, "expires": later, "scope": "account"}
    get_grant_model().objects.create(**grant, code="a-secret-code", redirect_uri="https://a.example")
    get_id_token_model().objects.create(**grant)
    get_device_grant_model().objects.create(
        user=account,
        client_id="web",
        device_code="a-device-code",
        user_code="USER-CODE",
        scope="account",
        expires=later,
    )
    application = make_client(name="Her own")[0]
    Client.objects.filter(pk=application.pk).update(user=account)
    trusted = bearer_tokens.authorize_client()
    claims = {"sub": SUBJECT_AT_GOOGLE, "email": "lovelace@example.com"}
    steps.create("LINK", grant=trusted, account=account, data={"provider": "github", "claims": {"sub": "7"}})
    steps.create("PROFILE", grant=trusted, data={"provider": "google-oauth2", "claims": claims})
    post(account, later)
    protect(account, later)
    caller = Caller(ip_address=ADDRESS, user_agent=AGENT)
    events.record(EventType.SIGNED_IN, subject=account.pk, caller=caller)
    events.record(EventType.DISABLED, subject=uuid.uuid4(), actor=account.pk, caller=caller)
    staff = make_account(is_staff=True)
    at_work = Caller(ip_address=STAFF_ADDRESS, user_agent=STAFF_AGENT)
    events.record(EventType.DISABLED, subject=account.pk, actor=staff.pk, caller=at_work)
    accounts, sessions = (ContentType.objects.get_by_natural_key("accounts", name) for name in ("account", "session"))
    log: Any = {"action_flag": CHANGE, "change_message": '[{"changed": {"fields": ["Given name"]}}]'}
    LogEntry.objects.create(
        user=account, content_type=accounts, object_id=str(staff.pk), object_repr=staff.email, **log
    )
    LogEntry.objects.create(
        user=staff, content_type=accounts, object_id=str(account.pk), object_repr=account.email, **log
    )
    LogEntry.objects.create(
        user=staff, content_type=sessions, object_id=str(uuid.uuid4()), object_repr=f"{account} · Web", **log
    )


def protect(account: Account, later: Any) -> None:
    """Second factors, a reset of them that waits, and a browser that is remembered. The session has shown a factor."""
    with_app(account)
    with_codes(account)
    with_passkey(account)
    RememberedBrowser.objects.create(account=account, digest="a-digest-of-a-cookie", expires_at=later)
    FactorReset.objects.create(account=account, reason="Countess showed a passport", effective_at=later)
    Session.objects.filter(account=account).update(factor_proved_at=timezone.now())


def post(account: Account, later: Any) -> None:
    """Codes and mails of the account, and of nobody with its address: somebody asked before it existed."""
    for owner in (account, None):
        code = mailed.create(Purpose.RESET, email=account.email, lifetime=600, account=owner)
        queue.put(Template.RESET_PASSWORD, email=account.email, locale="en", account=owner, code=code)
    names = {"username": "Countess", "first_name": "Ada", "last_name": "Lovelace"}
    PendingRegistration.objects.create(email=account.email, password="a-hash", locale="en", expires_at=later, **names)
