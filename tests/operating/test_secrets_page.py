"""docs/secrets.md lists every secret that is a setting, and says how long a former key is needed."""

import math
import re
from dataclasses import fields
from datetime import timedelta

from django.conf import settings

from accounts.conf import latchkey
from accounts.mails.models import Purpose
from tests.documents import ROOT
from tests.project.settings_page import ALL, SECTIONS

PAGE = (ROOT / "docs" / "secrets.md").read_text()
LISTED = re.findall(r"^\| `([A-Z_<>]+)` \| .+? \| .+? \|$", PAGE.partition("## ")[0], re.MULTILINE)


def declared_secrets() -> list[str]:
    """The settings that no representation shows."""
    return [
        one.metadata["setting"].variable
        for groups in SECTIONS.values()
        for group in groups
        for one in fields(group)
        if "setting" in one.metadata and not one.repr
    ]


def test_every_secret_is_listed():
    """And nothing else, in the order of docs/settings.md as far as it goes."""
    assert sorted(LISTED) == sorted(declared_secrets())
    assert len(LISTED) > 10


def test_what_looks_like_a_secret_is_declared_as_one():
    """Else it would be printed, and not be on the page."""
    looks = re.compile(r"SECRET|_KEYS?$|PASSWORD$|_TOKENS$")
    found = {one.variable for one in ALL if looks.search(one.variable)} - {"LIMIT_TOKENS"}

    assert len(found) > 5
    assert found <= set(declared_secrets())


def test_the_old_key_is_kept_for_the_longest_lifetime():
    """With the defaults: the page says a round number of days, of what lives longest."""
    conf = latchkey()
    lifetimes = {
        "lost answers": conf.refresh_token_idle_lifetime + conf.access_token_lifetime,
        "administration": settings.SESSION_COOKIE_AGE,
        "notices": conf.undo_lifetime,
        "deletions": conf.deletion_grace_days * 86400,
        "confirmations": conf.email_verification_lifetime,
        "codes": conf.mailed_code_lifetime,
        "visits": conf.social_flow_lifetime,
    }
    days = math.ceil(timedelta(seconds=max(lifetimes.values())) / timedelta(days=1))

    assert f"that is **{days} days**" in PAGE
    table = PAGE.partition("| What the old key made ")[2].partition("\n\n")[0]
    assert len(table.splitlines()) == 2 + len(lifetimes)
    assert f"| {conf.undo_lifetime // 86400} days | The link is wrong |" in PAGE
    assert f"| {settings.SESSION_COOKIE_AGE // 86400} days | Staff" in PAGE


def test_no_purpose_of_a_mailed_code_lives_longer_than_the_page_says():
    """A new one has to be thought about."""
    assert set(Purpose) == {
        Purpose.VERIFY,
        Purpose.RESET,
        Purpose.SIGN_IN,
        Purpose.REAUTHENTICATE,
        Purpose.CHANGE_EMAIL,
        Purpose.UNDO_EMAIL_CHANGE,
        Purpose.SECURE,
        Purpose.CANCEL_DELETION,
    }
