"""S82: the table *What ends sessions* of docs/guard.md is what happens."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.conf import latchkey
from accounts.factors.models import FactorReset
from accounts.mails import codes as mailed
from accounts.mails.models import Purpose
from accounts.mfa import resetting
from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import CHANGE_PASSWORD, CONVERT, ME, PASSWORD, REFRESH, REVOKE, GraphQL, SignedIn, SignIn, codes
from tests.browser import AdminBrowser
from tests.documents import ROOT
from tests.factories import make_account, make_client
from tests.mfa.enrolled import with_app
from tests.passwords.journeys import secure_link
from tests.passwords.mailed import by_link, reset, secure
from tests.schema.test_nodes import global_id
from tests.tokens.test_session_ends import change_password_by_command
from tests.verification.calls import VERIFY

NEW = "a passphrase of the holder"
SECTION = (ROOT / "docs/guard.md").read_text().partition("## What ends sessions")[2].partition("\n## ")[0]
LINE = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TABLE = {cause: (sessions, codes_, pages) for cause, sessions, codes_, pages in LINE.findall(SECTION)[1:]}
OUTCOMES = {
    (True, True): "stay",
    (False, False): "all end",
    (True, False): "all others end",
    (False, True): "that one ends",
}
"""By what became of the session concerned, and of another one."""
NOT_ASKED = "–"


@dataclass
class World:
    """Somebody with two sessions, a code, and two browsers in the administration."""

    graphql: GraphQL
    providers: Any
    sign_in: SignIn
    settings: Any
    clock: Any
    account: Account
    this: SignedIn
    other: SignedIn
    pages: tuple[AdminBrowser, ...]

    @property
    def session(self) -> Session:
        """The one concerned."""
        return Session.objects.get(account=self.account, client__client_id="web")

    def refreshed(self, signed_in: SignedIn) -> SignedIn:
        """With the next pair."""
        pair = self.graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
        return replace(signed_in, access_token=pair["accessToken"], refresh_token=pair["refreshToken"])

    def lives(self, signed_in: SignedIn) -> bool:
        """Whether the session can be refreshed. One that has ended opens nothing either."""
        payload = self.graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
        if payload["errors"]:
            assert codes(payload) in (["INVALID_GRANT"], ["INVALID_CLIENT"])
            assert self.graphql(ME, token=signed_in.access_token).status == 401
        return payload["errors"] == []

    def call(self, mutation: str, **given: Any) -> None:
        """A mutation of the session concerned."""
        argument = ", ".join(f'{name}: "{value}"' for name, value in given.items())
        query = f"mutation {{ {mutation}{f'(input: {{{argument}}})' if given else ''} {{ errors {{ code }} }} }}"
        assert self.graphql(query, token=self.this.access_token).data[mutation]["errors"] == []


def page(name: str, *arguments: object) -> str:
    """An address of the administration."""
    return reverse(f"admin:{name}", args=arguments)


def superuser() -> AdminBrowser:
    """The browser of another member of staff."""
    root = make_account(is_staff=True, is_superuser=True)
    return browser_of(root)


def browser_of(account: Account) -> AdminBrowser:
    """Signed in to the administration."""
    browser = AdminBrowser()
    form = {"username": account.email, "password": PASSWORD}
    assert browser.post("/admin/login/?next=/admin/", form).status_code == 302
    return browser


CAUSES: dict[str, Callable[[World], object]] = {}


def cause(text: str) -> Callable[[Callable[[World], object]], Callable[[World], object]]:
    """Register what causes the line of the table."""

    def register(made: Callable[[World], object]) -> Callable[[World], object]:
        CAUSES[text] = made
        return made

    return register


@cause("`revokeToken`, `/o/revoke_token/`")
def revoke_token(world):
    """Sign out."""
    assert codes(world.graphql(REVOKE, input={"token": world.this.refresh_token}).data["revokeToken"]) == []


@cause("`revokeSession`")
def revoke_session(world):
    """One of the list."""
    world.call("revokeSession", id=global_id("Session", world.session.pk))


@cause("A session is deleted in the administration")
def delete_session(world):
    """By staff."""
    assert superuser().post(page("accounts_session_delete", world.session.pk), {"post": "yes"}).status_code == 302


@cause("`revokeOtherSessions`")
def revoke_other_sessions(world):
    """All but this."""
    world.call("revokeOtherSessions")


@cause("`revokeAllSessions`, `Account.end_sessions`")
def revoke_all_sessions(world):
    """Everywhere."""
    world.call("revokeAllSessions")


@cause("`manage.py end_all_sessions`")
def end_everybodys_sessions(world):
    """After a restore."""
    call_command("end_all_sessions", yes=True, verbosity=0)


@cause("`changePassword`")
def change_password(world):
    """In this session."""
    given = {"currentPassword": PASSWORD, "newPassword": NEW}
    payload = world.graphql(CHANGE_PASSWORD, token=world.this.access_token, input=given).data["changePassword"]
    assert payload["errors"] == []


@cause("`manage.py changepassword`, `save` or `update` of the password")
def change_by_command(world):
    """As operators do."""
    change_password_by_command(world.account)


@cause("`resetPassword`")
def reset_password(world):
    """With a mailed link, which one of staff gets at a verified address only."""
    Account.objects.filter(pk=world.account.pk).update(email_verified=True)
    credential = by_link(world.graphql, world.account.email)
    assert reset(world.graphql, credential)["errors"] == []


@cause("`secureAccount`")
def secure_account(world):
    """With the link of a notice."""
    assert secure(world.graphql, secure_link(world.account))["errors"] == []


@cause("One's own password, in the administration")
def change_on_own_page(world):
    """In the first browser."""
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert world.pages[0].post(page("password_change"), form).status_code == 302


@cause("Somebody's password, in the administration")
def set_by_staff(world):
    """By another."""
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert superuser().post(page("auth_user_password_change", world.account.pk), form).status_code == 302


@cause("`set_unusable_password`")
def take_password_away(world):
    """And store it."""
    account = Account.objects.get(pk=world.account.pk)
    account.set_unusable_password()
    account.save()


@cause("*Active* is unticked, and ticked again")
def shut_and_open(world):
    """By any way."""
    Account.objects.filter(pk=world.account.pk).update(is_active=False)
    Account.objects.filter(pk=world.account.pk).update(is_active=True)


@cause("The account is deleted, by `deleteAccount` or staff")
def delete(world):
    """By staff, since it is an account of theirs."""
    assert superuser().post(page("accounts_account_delete", world.account.pk), {"post": "yes"}).status_code == 302


@cause("`deleteAccount` with a grace period")
def leave_for_now(world):
    """An account of staff cannot, so it becomes another one first."""
    world.settings.LATCHKEY = replace(latchkey(), deletion_grace_days=30)
    Account._base_manager.update(is_staff=False, is_superuser=False, email_verified=True)
    world.call("deleteAccount")
    Account._base_manager.update(is_staff=True, is_superuser=True)


@cause("`undoEmailChange`")
def undo_email_change(world):
    """With the link that was mailed to the former address."""
    code = mailed.create(Purpose.UNDO_EMAIL_CHANGE, email="former@example.com", lifetime=600, account=world.account)
    document = "mutation ($input: MailedTokenInput!) { undoEmailChange(input: $input) { errors { code } } }"
    payload = world.graphql(document, input={"token": mailed.link_token(code)}).data["undoEmailChange"]
    assert payload["errors"] == []


@cause("Second factors are reset by staff (S79), once that takes effect")
def reset_factors(world):
    """By `clear_expired`, after the delay."""
    with_app(world.account)
    assert resetting.request(world.account, actor=world.account.pk, reason="lost")
    FactorReset.objects.update(effective_at=timezone.now())
    call_command("clear_expired", json=True, stdout=io.StringIO())


@cause("The account is handed to the verified owner of its address (S9)")
def displace(world):
    """Which does not happen to staff."""
    Account.objects.filter(pk=world.account.pk).update(is_staff=False, is_superuser=False)
    credential = {"accessToken": world.providers.google_token(email=world.account.email)}
    payload = world.graphql(CONVERT, input={"provider": "google", "credential": credential}).data["convertSocialToken"]
    assert payload["errors"] == []


@cause("`verifyEmail` with a new password (S85)")
def hand_over(world):
    """By whoever has the mailbox. It does not happen to staff."""
    Account.objects.filter(pk=world.account.pk).update(is_staff=False, is_superuser=False)
    code = mailed.create(Purpose.VERIFY, email=world.account.email, account=world.account, lifetime=60)
    given = {"link": {"token": mailed.link_token(code), "newPassword": NEW}}
    assert world.graphql(VERIFY, input=given).data["verifyEmail"]["errors"] == []


@cause("A refresh token is replayed (S17)")
def replay(world):
    """After its successor was used."""
    stolen = world.this
    world.this = world.refreshed(world.refreshed(stolen))
    world.graphql(REFRESH, input={"refreshToken": stolen.refresh_token})


@cause("One session more than `SESSIONS_PER_ACCOUNT`")
def one_more(world):
    """The least recently used one makes room."""
    world.settings.LATCHKEY = replace(latchkey(), sessions_per_account=2)
    world.sign_in(world.account)


@cause("Not used for `REFRESH_TOKEN_IDLE_LIFETIME`")
def idle(world):
    """While the other one is."""
    world.clock.shift(timedelta(days=13))
    world.other = world.refreshed(world.other)
    world.clock.shift(timedelta(days=2))


@cause("`SESSION_LIFETIME` is over")
def expire(world):
    """However often it was used."""
    Session.objects.filter(pk=world.session.pk).update(expires_at=timezone.now())
    world.clock.shift(timedelta(minutes=20))


@cause("Its client is deleted in the administration")
def delete_client(world):
    """With the codes of that client."""
    client = Client.objects.get(client_id="web")
    assert superuser().post(page("accounts_client_delete", client.pk), {"post": "yes"}).status_code == 302


@cause("Another address, other rights, a linked or unlinked identity")
def change_the_rest(world):
    """Recorded, but no reason to end a session."""
    Account.objects.filter(pk=world.account.pk).update(email="new@example.com", is_superuser=False)


def test_each_line_of_the_table_has_its_cause():
    """And each cause its line."""
    assert list(TABLE) == list(CAUSES)


@pytest.fixture
def world(graphql, providers, sign_in, settings):
    """As above; each session has a client of its own."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        account = make_account(email="ada@example.com", is_staff=True, is_superuser=True)
        other, _secret = make_client()
        yield World(
            graphql=graphql,
            providers=providers,
            sign_in=sign_in,
            settings=settings,
            clock=clock,
            account=account,
            this=sign_in(account),
            other=sign_in(account, clientId=other.client_id),
            pages=(browser_of(account), browser_of(account)),
        )


@pytest.mark.parametrize("text", CAUSES)
def test_what_the_table_says_happens(world, text):
    """S10, S13, S21: to the session concerned and another one, to a code, and in the administration."""
    sessions, grants, pages = TABLE[text]
    expires = timezone.now() + timedelta(days=100)
    get_grant_model().objects.create(
        user=world.account, application=world.session.client, code="a-code", expires=expires, scope="account"
    )

    CAUSES[text](world)

    code_lives = get_grant_model().objects.exists()
    assert OUTCOMES[world.lives(world.this), world.lives(world.other)] == sessions
    assert grants == ("stay" if code_lives else "end")
    if pages != NOT_ASKED:
        first, second = (browser.get("/admin/").status_code == 200 for browser in world.pages)
        assert OUTCOMES[first, second] == pages
