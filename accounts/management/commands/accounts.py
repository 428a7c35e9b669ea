"""Create, show, disable, enable and delete accounts, end their sessions, and reset their second factors."""

import argparse
import getpass
import sys
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any

from accounts.errors import ValidationFailed
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.leaving.deletion import StaffAccount
from accounts.management import acts
from accounts.management.program import ProgramCommand, Record, Refused, cursor, moment, position, whole
from accounts.mfa import resetting
from accounts.people.errors import EmailTaken
from accounts.people.models import Account
from accounts.shared.keyset import found_forwards, position_of
from accounts.tokens import sessions

Options = dict[str, Any]

STATES: dict[str | None, dict[str, Any]] = {
    None: {},
    "active": {"is_active": True},
    "disabled": {"is_active": False, "deletion_due_at": None},
    "leaving": {"deletion_due_at__isnull": False},
}
"""Leaving: closed until the grace period of its deletion is over."""
BY_COMMAND = "withdrawn by an operator"
"""The cause of a withdrawal."""


class Command(ProgramCommand):
    """Verbs on accounts. Each change is a security event with the actor."""

    help = (
        "Create, show, list, disable, enable and delete accounts, end their sessions, and reset their second factors."
        " Run it from a back office or a cron job, or by hand where there is no browser. See docs/programs.md."
    )

    def add_verbs(self, verbs: Any) -> None:
        """Add the verbs."""
        create = self.add_verb(
            verbs,
            "create",
            self.create,
            "Create an account. Run it when another system, such as a shop or a staff directory, decides who has one.",
        )
        create.add_argument("email")
        create.add_argument("--username", required=True)
        create.add_argument("--first-name", required=True)
        create.add_argument("--last-name", default="")
        create.add_argument("--locale", default="", help="Language of its mails, such as de.")
        create.add_argument("--verified", action="store_true", help="You have verified the address.")
        password = create.add_mutually_exclusive_group()
        password.add_argument("--password-stdin", action="store_true", help="Read its password from standard input.")
        password.add_argument(
            "--mail-link", action="store_true", help="Mail a link for choosing a password, which verifies the address."
        )
        create.add_argument("--client-id", default=None, help="The client whose pages the link opens.")
        create.add_argument(
            "--if-missing",
            action="store_true",
            help="Show the account instead if the address has one. Changes nothing.",
        )
        self._on_account(
            verbs, "show", self.show, "Show an account. Run it to see what is stored before you act on it."
        )
        listing = self.add_verb(
            verbs, "list", self.list, "List accounts, newest first. Run it for reports, and to find whom to act on."
        )
        listing.add_argument(
            "--state",
            choices=[state for state in STATES if state],
            help="Leaving accounts are closed until their deletion.",
        )
        listing.add_argument("--verified", action=argparse.BooleanOptionalAction, default=None)
        listing.add_argument("--staff", action=argparse.BooleanOptionalAction, default=None)
        listing.add_argument("--joined-since", type=moment, metavar="MOMENT")
        listing.add_argument("--joined-before", type=moment, metavar="MOMENT")
        listing.add_argument("--after", type=position, metavar="CURSOR", help="Continue behind this account.")
        listing.add_argument("--limit", type=whole, help="At most so many.")
        self._on_account(
            verbs,
            "disable",
            self.disable,
            "Close an account: its sessions end for good. Run it when somebody must be kept out, at once.",
        )
        self._on_account(
            verbs,
            "enable",
            self.enable,
            "Open an account again, and withdraw its scheduled deletion. Its holder signs in anew.",
        )
        self._on_account(verbs, "sessions", self.sessions, "List the live sessions of an account, last used first.")
        end = self._on_account(
            verbs,
            "end-sessions",
            self.end_sessions,
            "Sign an account out everywhere, in the administration too. Run it when a device or a token was stolen.",
        )
        end.add_argument("--session", type=uuid.UUID, metavar="ID", help="End only this one.")
        reset = self._on_account(
            verbs,
            "reset-factors",
            self.reset_factors,
            "Remove the second factors and passkeys of an account after MFA_RESET_DELAY_HOURS, and end its sessions."
            " Run it when you know that its holder has lost them. The holder is mailed at once.",
        )
        reset.add_argument("--reason", required=True, help="How you know, for the record. The holder can read it.")
        self._on_account(
            verbs,
            "keep-factors",
            self.keep_factors,
            "Withdraw a reset that waits. Run it when somebody else has asked for it.",
        )
        self._on_account(
            verbs,
            "delete",
            self.delete,
            "Delete an account with everything that is about it, at once and for good. Run it when its holder, or the"
            " law, asks for it. Refused for accounts of the administration.",
        )

    def _on_account(self, verbs: Any, name: str, run: Any, when: str) -> Any:
        parser = self.add_verb(verbs, name, run, when)
        parser.add_argument("account", help="Its e-mail address or id.")
        return parser

    def create(self, options: Options) -> Iterator[Record]:
        """Create an account."""
        with events.failures(EventType.REGISTER_FAILED, subject=lambda: None):
            yield self._created(options)

    def _created(self, options: Options) -> Record:
        password = _read_password() if options["password_stdin"] else None
        try:
            account = acts.create(
                email=options["email"],
                username=options["username"],
                first_name=options["first_name"],
                last_name=options["last_name"],
                locale=options["locale"],
                password=password,
                verified=options["verified"],
                mail_link=options["mail_link"],
                client_id=options["client_id"],
            )
        except ValidationFailed as error:
            if not options["if_missing"] or not any(isinstance(one, EmailTaken) for one in error.failures):
                raise
            return {**record_of(acts.find(options["email"])), "created": False}
        return {**record_of(account), "created": True}

    def show(self, options: Options) -> Iterator[Record]:
        """Show an account."""
        yield record_of(acts.find(options["account"]))

    def list(self, options: Options) -> Iterator[Record]:
        """List accounts."""
        wanted = {
            "email_verified": options["verified"],
            "is_staff": options["staff"],
            "date_joined__gte": options["joined_since"],
            "date_joined__lt": options["joined_before"],
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        rows = Account.objects.filter(**given, **STATES[options["state"]])
        found = islice(
            found_forwards(rows, by="date_joined", after=options["after"], newest_first=True), options["limit"]
        )
        for account in found:
            yield {**record_of(account), "cursor": cursor(position_of(account, by="date_joined"))}

    def disable(self, options: Options) -> Iterator[Record]:
        """Disable an account."""
        return self._switched(options, active=False)

    def enable(self, options: Options) -> Iterator[Record]:
        """Enable an account."""
        return self._switched(options, active=True)

    def _switched(self, options: Options, *, active: bool) -> Iterator[Record]:
        account = acts.find(options["account"])
        changed = acts.switch(account, active=active)
        account.refresh_from_db()
        yield {**record_of(account), "changed": changed}

    def sessions(self, options: Options) -> Iterator[Record]:
        """List sessions."""
        for session in sessions.sessions_of(acts.find(options["account"]).pk):
            yield {
                "id": session.pk,
                "client_id": session.client.client_id,
                "created_at": session.created_at,
                "authenticated_at": session.authenticated_at,
                "authentication_methods": session.authentication_methods,
                "last_used_at": session.last_used_at,
                "expires_at": session.expires_at,
                "ip_address": session.ip_address,
                "user_agent": session.user_agent,
            }

    def end_sessions(self, options: Options) -> Iterator[Record]:
        """End one session, or all."""
        account = acts.find(options["account"])
        if options["session"]:
            sessions.end_one_of(account, options["session"])
            number = 1
        else:
            number = sessions.end_all_of(account)
        yield {"id": account.pk, "ended": number}

    def reset_factors(self, options: Options) -> Iterator[Record]:
        """Ask for a reset of second factors."""
        account = acts.find(options["account"])
        changed = resetting.request(account, actor=None, reason=options["reason"])
        waiting = resetting.pending(account)
        yield {"id": account.pk, "effective_at": waiting.effective_at if waiting else None, "changed": changed}

    def keep_factors(self, options: Options) -> Iterator[Record]:
        """Withdraw it."""
        account = acts.find(options["account"])
        yield {"id": account.pk, "changed": resetting.withdraw(account, cause=BY_COMMAND)}

    def delete(self, options: Options) -> Iterator[Record]:
        """Delete an account."""
        account = acts.find(options["account"])
        # Deleting takes it from the object.
        key = account.pk
        try:
            acts.delete(account)
        except StaffAccount:
            events.record_failure(EventType.DELETE_FAILED, subject=key, cause="STAFF_ACCOUNT")
            message = "Take the account's rights in the administration away first."
            raise Refused("STAFF_ACCOUNT", message, field="account") from None
        yield {"id": key, "deleted": True}


def record_of(account: Account) -> Record:
    """The fields of an account that the commands print."""
    return {
        "id": account.pk,
        "email": account.email,
        "email_verified": account.email_verified,
        "username": account.username,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "locale": account.locale,
        "is_active": account.is_active,
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
        "has_password": account.has_usable_password(),
        "date_joined": account.date_joined,
        "last_login": account.last_login,
        "deletion_due_at": account.deletion_due_at,
    }


def _read_password() -> str:
    """The first line of standard input; asked for without an echo at a terminal."""
    if sys.stdin.isatty():
        return getpass.getpass()
    return sys.stdin.readline().rstrip("\r\n")
