"""Each mail in the languages of its readers: translated throughout, and laid out for the direction of the script."""

import dataclasses
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.rendering import Rendered, render
from accounts.mails.templates import Template
from tests.languages import catalogues
from tests.languages.pseudo import BEGIN, LANGUAGE
from tests.tools import chromium, node

PURPOSES = {
    Template.VERIFY_EMAIL: Purpose.VERIFY,
    Template.RESET_PASSWORD: Purpose.RESET,
    Template.SIGN_IN: Purpose.SIGN_IN,
    Template.REAUTHENTICATE: Purpose.REAUTHENTICATE,
    Template.CONFIRM_EMAIL: Purpose.CHANGE_EMAIL,
    Template.EMAIL_CHANGED: Purpose.UNDO_EMAIL_CHANGE,
    Template.DELETION_SCHEDULED: Purpose.CANCEL_DELETION,
    **dict.fromkeys(
        [
            Template.EMAIL_CHANGE_REQUESTED,
            Template.NEW_DEVICE,
            Template.PASSWORD_CHANGED,
            Template.SOCIAL_LINKED,
            Template.SOCIAL_UNLINKED,
            Template.FACTOR_RESET_REQUESTED,
            Template.FACTORS_RESET,
            Template.TOTP_ENABLED,
            Template.TOTP_DISABLED,
            Template.RECOVERY_CODES_MADE,
            Template.RECOVERY_CODE_USED,
            Template.PASSKEY_ADDED,
            Template.PASSKEY_REMOVED,
        ],
        Purpose.SECURE,
    ),
}
"""The code of each mail that has one."""
DATA = {
    "device": "Chrome on Windows 11 (a tablet)",
    "ip_address": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "provider": "Example ID (beta)",
    "left": 2,
    "name": "iCloud-Schlüsselbund (Ada)",
    "due": "2026-12-24T12:30:00+00:00",
}
TEMPLATES = [template for template in Template if template != Template.NOTHING]
WIDTHS = (320, 600)


@pytest.fixture(autouse=True)
def _front_end(settings):
    """With a long address, which has to wrap."""
    settings.LATCHKEY = dataclasses.replace(
        settings.LATCHKEY, front_end_url="https://accounts.a-rather-long-name.example.org/en/pages"
    )


def rendered(template: Template, locale: str) -> Rendered:
    """The mail, with values for all variables."""
    purpose = PURPOSES.get(template)
    code = MailedCode(purpose=purpose, expires_at=timezone.now() + timedelta(days=1)) if purpose else None
    return render(Mail(template=template, email="ada@example.com", locale=locale, code=code, data=DATA))


@pytest.mark.parametrize("language", catalogues.languages())
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_line_of_a_mail_stays_english(template, language):
    """`Account.locale` names a region; the mail says its language."""
    english, translated = rendered(template, "en"), rendered(template, f"{language}-BE")

    same = set(english.text.splitlines()) & set(translated.text.splitlines())
    assert (translated.language, english.language) == (language, "en")
    assert {line for line in same if " " in line.strip()} <= {"-- "}
    assert translated.subject != english.subject
    assert f'<html lang="{language}" dir="ltr">' in translated.html


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_sentence_of_a_mail_comes_from_the_catalogue(template, pseudo_language):
    """In the plain text, whatever is not a sentence is the code, a link or the mark of the signature."""
    mail = rendered(template, f"{pseudo_language}-EG")

    lines = [line for line in mail.text.splitlines() if line.strip() and line != "-- "]
    words = [line for line in lines if not line.startswith("    ")]
    assert mail.subject.startswith(BEGIN)
    assert words and all(line.startswith(BEGIN) for line in words)


@pytest.fixture
def seen(pseudo_language, tmp_path):
    """What Chromium makes of every mail at each width. PICTURES=folder keeps pictures."""
    pictures = os.environ.get("PICTURES")
    asked = [
        {
            "html": rendered(template, LANGUAGE).html,
            "width": width,
            "picture": str(Path(pictures) / f"{template}-{width}.png") if pictures else None,
        }
        for template in TEMPLATES
        for width in WIDTHS
    ]
    file = tmp_path / "pages.json"
    file.write_text(json.dumps(asked))
    names = [f"{template}, {width}" for template in TEMPLATES for width in WIDTHS]
    return dict(zip(names, node("layout.mjs", chromium(), str(file)), strict=True))


def test_mails_hold_in_a_language_from_right_to_left(seen):
    """At 320 and 600 px: nothing scrolls sideways, text begins at the right, codes and addresses keep their order."""
    assert [name for name, page in seen.items() if page["scrolls"]] == []
    for name, page in seen.items():
        assert page["starts"], name
        assert all(abs(start["right"]) <= 2 for start in page["starts"]), (name, page["starts"])
        assert all(latin["inOrder"] for latin in page["latin"]), (name, page["latin"])
    assert any(latin["text"].count("-") == 1 for page in seen.values() for latin in page["latin"])
    # Short lines are far from the left edge: the measure is not blind.
    assert any(start["left"] > 50 for page in seen.values() for start in page["starts"])


def test_mails_can_be_read_in_both_schemes(seen):
    """A dark mail in a dark scheme, and everywhere the contrast of WCAG 2.2 (1.4.3)."""
    for name, page in seen.items():
        assert page["light"]["card"] > 0.9, name
        assert page["dark"]["card"] < 0.1, name
        assert min(page["light"]["contrast"], page["dark"]["contrast"]) >= 4.5, (name, page["light"], page["dark"])
