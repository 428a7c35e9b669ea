"""Codes of authenticator apps (S57)."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
import time_machine
from django.db import transaction

from accounts.conf import latchkey
from accounts.errors import InvalidCode
from accounts.factors import sealing, totp
from accounts.factors.models import Totp
from accounts.people.models import Account

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
AT = datetime(2026, 11, 27, 12, 0, 10, tzinfo=UTC)


def set_up(account: Account) -> str:
    """Give the account an app; returns its secret."""
    secret = totp.new_secret()
    Totp.objects.create(account=account, secret=sealing.seal(secret), last_step=-1)
    return secret


def accepted(account: Account, code: str) -> bool:
    """Whether the code is accepted now."""
    try:
        with transaction.atomic():
            totp.check(account, code)
    except InvalidCode:
        return False
    return True


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
    ],
)
def test_codes_are_those_of_the_specification(seconds, code):
    """The test vectors of RFC 6238 appendix B for SHA-1; an app of six digits shows the last six."""
    with time_machine.travel(seconds, tick=False):
        assert totp.matching_step(RFC_SECRET, code) == seconds // 30


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_clock_of_an_app_may_differ_by_one_step(steps, right):
    """S57: the code of the step before and of the one after is right, and no other."""
    secret = totp.new_secret()
    code = pyotp.TOTP(secret).at(AT, counter_offset=steps)
    with time_machine.travel(AT, tick=False):
        assert (totp.matching_step(secret, code) is not None) is right


def test_a_code_counts_once(account):
    """S57: neither the same code nor an earlier one is accepted after it; a later one is."""
    app = pyotp.TOTP(set_up(account))
    with time_machine.travel(AT, tick=False):
        assert accepted(account, app.at(AT))
        assert not accepted(account, app.at(AT))
        assert not accepted(account, app.at(AT, counter_offset=-1))
        assert accepted(account, app.at(AT, counter_offset=1))
    assert Totp.objects.get(account=account).last_used_at == AT


def test_spaces_in_a_code_are_ignored(account):
    """Apps show two groups of three."""
    code = pyotp.TOTP(set_up(account)).at(AT)
    with time_machine.travel(AT, tick=False):
        assert accepted(account, f" {code[:3]} {code[3:]} ")


@pytest.mark.parametrize("text", ["", "12345", "1234567", "\0" * 6, "١٢٣٤٥٦", "1" * 1_000_000, "-" * 6, "\ud800"])
def test_the_worst_texts_are_wrong_codes(account, text):
    """S80: no text breaks the comparison, or is anything but wrong."""
    set_up(account)
    assert not accepted(account, text)


def test_no_code_is_right_without_an_app(account):
    """There is no secret by default."""
    assert not accepted(account, "000000")


def test_an_app_reads_the_secret_from_the_uri(account):
    """The URI names the service and the account, and holds the secret in the form of RFC 4648."""
    secret = totp.new_secret()
    uri = urlsplit(totp.uri(account, secret))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == f"/{latchkey().service_name}:{account.email}"
    assert parse_qs(uri.query)["secret"] == [secret]
    assert len(base64.b32decode(secret)) == 20


def test_a_secret_of_an_older_key_opens_and_is_sealed_anew(account, settings):
    """S75: while the list of keys has the old one, its secrets are right; one that is used needs it no more."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("old" * 16,))
    app = pyotp.TOTP(set_up(account))
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("new" * 16, "old" * 16))
    with time_machine.travel(AT, tick=False):
        assert accepted(account, app.at(AT))
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("new" * 16,))
    later = AT + timedelta(minutes=5)
    with time_machine.travel(later, tick=False):
        assert accepted(account, app.at(later))


def test_a_secret_of_a_lost_key_accepts_nothing(account, settings, caplog):
    """S75: nobody comes in, and operators read why."""
    app = pyotp.TOTP(set_up(account))
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("new" * 16,))
    assert not accepted(account, app.now())
    assert "a key is missing from MFA_KEYS" in caplog.text
