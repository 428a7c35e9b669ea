"""`reseal_factors` seals what is stored of second factors under the first key, so that a former one can go (S90)."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models, transaction

from accounts.errors import InvalidCode
from accounts.factors import recovery, sealing, totp
from accounts.factors.models import RecoveryCodes, Totp
from accounts.factors.resealing import SEALED
from accounts.people.models import Account
from accounts.shared import sweeping
from tests.factories import make_account
from tests.mfa.enrolled import code_of, with_app, with_codes

OLD, NEW, LOST = "k7Qw-Zp2_xL9" * 4, "mB4s_Tz8-vR1" * 4, "hD6n-Yc3_wJ5" * 4

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings):
    """Change MFA_KEYS."""

    def change(*values: str) -> None:
        settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=values)

    return change


def reseal(*arguments: str) -> str:
    """What it prints."""
    printed = io.StringIO()
    call_command("reseal_factors", *arguments, stdout=printed)
    return printed.getvalue()


def set_up() -> tuple[Account, str, list[str]]:
    """An account with an authenticator app; its secret and the recovery codes."""
    account = make_account()
    return account, with_app(account), with_codes(account)


def accepts(account: Account, secret: str, code: str) -> bool:
    """Whether the app's code and the recovery code are right."""
    try:
        with transaction.atomic():
            totp.check(account, code_of(secret))
            recovery.use(account, code)
    except InvalidCode:
        return False
    return True


def test_the_old_key_can_go_afterwards(keys, monkeypatch):
    """S75, S90: in slices of any size, nobody loses an app or a code."""
    monkeypatch.setattr(sweeping, "SLICE", 2)
    keys(OLD)
    people = [set_up() for _ in range(5)]
    keys(NEW, OLD)

    assert json.loads(reseal("--json")) == {"resealed": 10, "unchanged": 0, "unreadable": 0}

    keys(NEW)
    assert [accepts(account, secret, codes[0]) for account, secret, codes in people] == [True] * 5


def test_a_second_run_writes_nothing(keys):
    """It can be repeated, and tells that it had been done."""
    keys(NEW)
    set_up()
    before = Totp.objects.get().secret, RecoveryCodes.objects.get().key

    assert reseal() == "0 sealed under the first key, 2 were already.\n"
    assert (Totp.objects.get().secret, RecoveryCodes.objects.get().key) == before


def test_what_no_key_opens_is_counted_and_left(keys):
    """The key may be found again."""
    keys(LOST)
    account, secret, codes = set_up()
    keys(NEW, OLD)
    set_up()

    assert "2 were already. 2 cannot be opened" in reseal()
    assert json.loads(reseal("--json")) == {"resealed": 0, "unchanged": 2, "unreadable": 2}

    keys(NEW, LOST)
    assert accepts(account, secret, codes[0])


@pytest.mark.parametrize("fallback", [True, False])
def test_keys_of_their_own_are_introduced_beside_secret_key(keys, settings, fallback):
    """The value of SECRET_KEY can stand in MFA_KEYS: it opens what was sealed before there were any."""
    settings.SECRET_KEY = NEW if fallback else OLD
    settings.SECRET_KEY_FALLBACKS = [OLD] if fallback else []
    account, secret, codes = set_up()
    keys(LOST, settings.SECRET_KEY)

    reseal()

    keys(LOST)
    assert accepts(account, secret, codes[0])


def test_without_keys_of_their_own_a_fallback_of_secret_key_can_go(settings):
    """The last phase of a change of SECRET_KEY."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    account, secret, codes = set_up()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]

    reseal()

    settings.SECRET_KEY_FALLBACKS = []
    assert accepts(account, secret, codes[0])


@pytest.mark.parametrize("change", ["replaced", "gone"])
def test_what_changes_meanwhile_is_not_overwritten(keys, change):
    """Somebody may set the app up anew, or switch it off, between reading and writing."""
    keys(OLD)
    account, _secret, _codes = set_up()
    keys(NEW, OLD)
    RecoveryCodes.objects.all().delete()
    other = totp.new_secret()

    def meddle(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "accounts_totp" in sql and changes:
            changes.pop()()
        return execute(sql, params, many, context)

    def replaced() -> None:
        keys(OLD)
        Totp.objects.filter(account=account).update(secret=sealing.seal(other))
        keys(NEW, OLD)

    changes = [{"replaced": replaced, "gone": lambda: Totp.objects.all().delete()}[change]]
    with connection.execute_wrapper(meddle):
        found = json.loads(reseal("--json"))

    assert found == {"resealed": int(change == "replaced"), "unchanged": 0, "unreadable": 0}
    keys(NEW)
    assert [sealing.unseal(app.secret) for app in Totp.objects.all()] == ([other] if change == "replaced" else [])


def sealed_columns() -> Iterator[tuple[type[models.Model], str]]:
    """The columns of all tables in which something sealed stands."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                values = model._base_manager.values_list(field.attname, flat=True)
                # As every Fernet token begins, with its version and the first bytes of its time.
                if any("gAAAAA" in json.dumps(value, default=str) for value in values):
                    yield model, field.name


def test_every_sealed_column_is_known(keys):
    """One that were left out would be lost with the old key."""
    keys(OLD)
    set_up()

    assert dict(sealed_columns()) == SEALED
