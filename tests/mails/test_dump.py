"""A copy of the database opens nothing: no code, no link, and no way to try codes (S15, S71, S86)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.mails import codes
from accounts.mails.models import Mail, MailedCode
from accounts.mails.templates import Template
from tests.mails.conftest import MAILS, make_mail

DIGITS = 6


def leaves(value: Any) -> Iterator[str]:
    """The values within a value of JSON."""
    if isinstance(value, dict):
        yield from (leaf for item in value.items() for part in item for leaf in leaves(part))
    elif isinstance(value, list):
        yield from (leaf for part in value for leaf in leaves(part))
    else:
        yield str(value)


def dump() -> set[str]:
    """Every value of every column of every table."""
    return {
        text
        for model in apps.get_models(include_auto_created=True)
        for row in model._base_manager.values()
        for value in row.values()
        for leaf in leaves(value)
        for text in (leaf, json.dumps(leaf))
    }


def first_found(values: set[str], salt: bytes) -> str | None:
    """The first of all codes that the values give away: plain, or as a digest, also one with the row's id."""
    for number in range(10**DIGITS):
        code = f"{number:0{DIGITS}}"
        plain = code.encode()
        if code in values or not values.isdisjoint((sha256(plain).hexdigest(), sha256(salt + plain).hexdigest())):
            return code
    return None


@pytest.fixture
def full(account, settings) -> list[MailedCode]:
    """A full queue, a dead letter, and live codes whose mails were sent."""
    for template in MAILS:
        make_mail(template, account)
        make_mail(template, account, dead_at=timezone.now(), error="SMTPDataError 554", attempts=3)
    Mail.objects.filter(template=Template.SIGN_IN).delete()
    MailedCode.objects.create(purpose="reset", email="x@example.com", expires_at=timezone.now() + timedelta(hours=1))
    return list(MailedCode.objects.all())


def test_no_link_and_no_code_is_in_a_dump(full):
    """Nor a part of a link."""
    text = "\n".join(dump())

    assert len(full) > 20
    for code in full:
        assert codes.link_token(code) not in text
        assert codes.link_token(code)[22:] not in text
        assert codes.typed_code(code) not in text
        assert codes.typed_code(code).replace("-", "") not in text


def test_trying_all_codes_of_six_digits_finds_none(full, settings):
    """S71: nothing in the dump tells a right code from a wrong one. The control is found."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mailed_code_digits=DIGITS)
    row = full[0]
    salt, values = row.id.bytes, dump()

    assert first_found(values, salt) is None

    code = codes.typed_code(row)
    assert first_found(values | {sha256(salt + code.encode()).hexdigest()}, salt) == code
