"""Recovery codes (S57, S71)."""

from dataclasses import replace

import pytest
from django.db import transaction

from accounts.errors import InvalidCode
from accounts.factors import recovery
from accounts.factors.models import RecoveryCodes
from accounts.people.models import Account


@transaction.atomic
def use(account: Account, code: str) -> int:
    """Use a code; how many are left."""
    return recovery.use(account, code)


def test_ten_different_codes_are_made(account):
    """They have letters that form no words and are not confused."""
    codes = recovery.make(account)
    assert len(set(codes)) == recovery.NUMBER == 10
    assert all(len(code.replace("-", "")) == 12 and not set(code) & set("0O1IAEU") for code in codes)


def test_a_code_counts_once(account):
    """S57: each of them is right, and then wrong."""
    codes = recovery.make(account)
    assert [use(account, code) for code in codes] == [*range(9, -1, -1)]
    for code in codes:
        with pytest.raises(InvalidCode):
            use(account, code)


def test_case_and_dashes_are_ignored(account):
    """People type what they have written down."""
    first, *_others = recovery.make(account)
    assert use(account, f" {first.lower().replace('-', ' ')}\n") == 9


def test_new_codes_replace_the_old(account):
    """An old one is wrong from then on."""
    old, *_others = recovery.make(account)
    recovery.make(account)
    with pytest.raises(InvalidCode):
        use(account, old)


def test_a_code_of_somebody_else_is_wrong(account):
    """S71: the digests are of the account's own key."""
    other = Account.objects.create_user(email="other@example.com", password=None)
    recovery.make(account)
    theirs, *_others = recovery.make(other)
    with pytest.raises(InvalidCode):
        use(account, theirs)


@pytest.mark.parametrize("text", ["", "-", "\0" * 12, "Ｂ" * 12, "B" * 1_000_000, "\ud800"])
def test_the_worst_texts_are_wrong_codes(account, text):
    """S80: no text breaks the comparison, or is anything but wrong."""
    recovery.make(account)
    with pytest.raises(InvalidCode):
        use(account, text)


def test_no_code_is_right_without_any(account):
    """There are none by default."""
    with pytest.raises(InvalidCode):
        use(account, "")


def test_the_key_is_sealed_anew(account, settings):
    """S75: codes of an older key are right while it is known, and need it no more once one was used."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("old" * 16,))
    first, second, third, *_others = recovery.make(account)
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("new" * 16, "old" * 16))
    assert use(account, first) == 9
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("new" * 16,))
    assert use(account, second) == 8
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=("other" * 16,))
    with pytest.raises(InvalidCode):
        use(account, third)
    assert len(RecoveryCodes.objects.get(account=account).digests) == 8
