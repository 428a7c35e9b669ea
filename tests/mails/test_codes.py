"""Mailed codes and links, derived from their rows."""

import re
from dataclasses import replace

import pytest

from accounts.errors import InvalidCode
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import MailedCode, Purpose

OLD, NEW, OTHER = ("o" * 32, "n" * 32, "x" * 32)


@pytest.fixture
def keyed(settings):
    """Run with these keys."""

    def use(*keys: str) -> None:
        settings.LATCHKEY = replace(settings.LATCHKEY, mailed_code_keys=keys)

    return use


@pytest.fixture
def code(account) -> MailedCode:
    """A code of an account."""
    return codes.create(Purpose.RESET, email=account.email, account=account, lifetime=600)


@pytest.mark.parametrize(
    ("digits", "form"),
    [(0, "[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}"), (6, "[0-9]{6}"), (10, "[0-9]{10}")],
)
def test_a_typed_code_has_eight_letters_or_the_digits_of_the_setting(settings, account, digits, form):
    """RFC 8628 §6.1."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mailed_code_digits=digits)

    for _ in range(20):
        code = codes.create(Purpose.SIGN_IN, email=account.email, account=account, lifetime=600)
        assert re.fullmatch(form, codes.typed_code(code).replace("-", "") if digits else codes.typed_code(code))


def test_what_an_old_key_made_works_while_it_is_listed(keyed, code):
    """S90: mails that are under way when the key changes."""
    keyed(OLD)
    link, typed = codes.link_token(code), codes.typed_code(code)

    keyed(NEW, OLD)
    assert codes.by_link(link, Purpose.RESET) == code
    codes.guess(code, typed)


def test_the_first_key_makes_new_ones(keyed, code):
    """S90: the old key can be dropped once its mails have expired."""
    keyed(NEW, OLD)
    link = codes.link_token(code)

    keyed(NEW)
    assert codes.by_link(link, Purpose.RESET) == code


def test_what_no_listed_key_made_is_wrong(keyed, code):
    """S71: the key is what opens, not the row."""
    keyed(OTHER)
    link, typed = codes.link_token(code), codes.typed_code(code)

    keyed(NEW, OLD)
    with pytest.raises(InvalidCode):
        codes.by_link(link, Purpose.RESET)
    with pytest.raises(InvalidCode):
        codes.guess(code, typed)


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose != Purpose.RESET])
def test_a_link_counts_for_its_purpose_only(code, purpose):
    """A link that signs in resets no password, and so on."""
    with pytest.raises(InvalidCode):
        codes.by_link(codes.link_token(code), purpose)


def test_a_right_link_whose_row_is_gone_is_an_old_one(code):
    """The answer says to ask for a new one."""
    link = codes.link_token(code)
    code.delete()

    with pytest.raises(ExpiredCode):
        codes.by_link(link, Purpose.RESET)
