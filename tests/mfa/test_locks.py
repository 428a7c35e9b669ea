"""A session and its remembered browser are locked in one order by all who end them: nobody waits for each other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from django.db import connection, transaction

from accounts.conf import latchkey
from accounts.factors import remembering
from accounts.factors.models import RememberedBrowser, Totp
from accounts.mfa import authenticator_app, resetting
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.errors import InvalidGrant, InvalidToken
from accounts.tokens.families import end_family
from accounts.tokens.models import AuthenticationMethod, RefreshTokenTransport, Session
from tests.factories import make_account
from tests.mfa.enrolled import code_of, with_app

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer"),
]
CALLER = Caller(ip_address="192.0.2.1", user_agent="")


def reset_by_staff(account, token, browser):
    """A reset that nothing delays."""
    with_app(account)
    return lambda: resetting.request(account, actor=None, reason="lost")


def set_up_an_app(account, token, browser):
    """In the session of the browser."""
    bearer = bearer_tokens.authenticate(f"Bearer {token}")
    assert bearer
    begun = authenticator_app.begin_enrollment(bearer=bearer, challenge_token="", caller=CALLER)
    return lambda: authenticator_app.confirm_enrollment(
        bearer=bearer, token=begun.token, code=code_of(begun.secret), caller=CALLER
    )


def sign_in_again(account, token, browser):
    """In the browser, where there is room for one session only."""
    with_app(account)
    grant = bearer_tokens.authorize_client(transport=RefreshTokenTransport.COOKIE)
    return lambda: bearer_tokens.issue(
        account=account,
        grant=grant,
        caller=replace(CALLER, browser_token=browser),
        methods=(AuthenticationMethod.PASSWORD,),
    )


@pytest.mark.parametrize("journey", [reset_by_staff, set_up_an_app, sign_in_again])
def test_a_session_that_is_thrown_out_and_its_factors(default_client, settings, journey):
    """`revokeSession`, or a replay, holds the session when the other begins, which finds it gone: no deadlock."""
    settings.LATCHKEY = replace(latchkey(), mfa_remember_days=30, mfa_reset_delay_hours=0, sessions_per_account=1)
    account = make_account(email_verified=True)
    grant = bearer_tokens.authorize_client()
    tokens = bearer_tokens.issue(
        account=account, grant=grant, caller=CALLER, methods=(AuthenticationMethod.PASSWORD,), second_factor=True
    )
    session = Session.objects.get()
    browser = remembering.remember(account, session=session.pk)
    begin = journey(Account.objects.get(), tokens.access_token, browser.value)
    is_held = threading.Event()

    def throw_out() -> None:
        try:
            with transaction.atomic():
                Session.objects.select_for_update().get()
                is_held.set()
                waiting.wait(1)
                end_family(session.token_family, forgets_browser=True)
        finally:
            connection.close()

    def other() -> None:
        try:
            is_held.wait(10)
            with suppress(InvalidToken, InvalidGrant):
                begin()
        finally:
            connection.close()

    waiting = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(throw_out), pool.submit(other)]:
            job.result()
    assert not Session.objects.exists()
    assert not RememberedBrowser.objects.exists()
    assert Totp.objects.exists() == (journey is sign_in_again)
