"""Fixtures for mails."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account
from project import data_urls
from tests.mails.servers import Mailbox, receiving

PURPOSES = {
    Template.VERIFY_EMAIL: Purpose.VERIFY,
    Template.RESET_PASSWORD: Purpose.RESET,
    Template.SIGN_IN: Purpose.SIGN_IN,
    Template.REAUTHENTICATE: Purpose.REAUTHENTICATE,
    Template.CONFIRM_EMAIL: Purpose.CHANGE_EMAIL,
    Template.EMAIL_CHANGED: Purpose.UNDO_EMAIL_CHANGE,
    Template.DELETION_SCHEDULED: Purpose.CANCEL_DELETION,
}
WITHOUT_CODE = {Template.NOTHING, Template.ALREADY_REGISTERED, Template.UNKNOWN_ADDRESS, Template.ADDRESS_TAKEN}
DATA = {
    Template.NEW_DEVICE: {"device": "Firefox on Linux", "ip_address": "192.0.2.7"},
    Template.SOCIAL_LINKED: {"provider": "Google"},
    Template.SOCIAL_UNLINKED: {"provider": "Google"},
    Template.FACTOR_RESET_REQUESTED: {"due": "2030-01-31T12:00:00+00:00"},
    Template.RECOVERY_CODE_USED: {"left": 2},
    Template.PASSKEY_ADDED: {"name": "Laptop"},
    Template.PASSKEY_REMOVED: {"name": "Laptop"},
    Template.DELETION_SCHEDULED: {"due": "2030-01-31T12:00:00+00:00"},
}
MAILS = [template for template in Template if template != Template.NOTHING]


def make_code(template: Template, account: Account, **fields: Any) -> MailedCode | None:
    """The code that goes with a template."""
    if template in WITHOUT_CODE:
        return None
    purpose = PURPOSES.get(template, Purpose.SECURE)
    expires_at = timezone.now() + timedelta(minutes=30)
    return MailedCode.objects.create(
        **{"purpose": purpose, "email": account.email, "account": account, "expires_at": expires_at, **fields}
    )


def make_mail(template: Template, account: Account, **fields: Any) -> Mail:
    """A queued mail to the account."""
    code = fields.pop("code", None) or make_code(template, account)
    data = DATA.get(template, {})
    return Mail.objects.create(
        **{
            "template": template,
            "email": account.email,
            "account": account,
            "locale": "en",
            "code": code,
            "data": data,
            **fields,
        }
    )


@pytest.fixture
def queued(account: Account) -> Callable[..., Mail]:
    """Queue a mail to the account: `queued(Template.SIGN_IN)`."""
    return lambda template=Template.SIGN_IN, **fields: make_mail(template, account, **fields)


@pytest.fixture
def mail_server(settings: Any) -> Iterator[Mailbox]:
    """The server that the settings name."""
    with receiving() as mailbox:
        use(settings, mailbox.port)
        yield mailbox


def use(settings: Any, port: int) -> None:
    """Send by SMTP to this port."""
    settings.EMAIL_BACKEND = data_urls.SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
