"""Create or update a client of ours."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.conf import latchkey
from accounts.management.program import JsonCommand, json_of
from accounts.tokens.provisioning import AnotherKind, Kind, Wanted, ensure

VARIABLES = {
    "client_id": "OAUTH_CLIENT_ID",
    "name": "OAUTH_CLIENT_NAME",
    "redirect_uris": "OAUTH_REDIRECT_URIS",
    "front_end_url": "--front-end-url",
    "__all__": "OAUTH_REDIRECT_URIS",
}
"""Environment variables of the default client, and options, by field, for error messages."""


class Command(JsonCommand):
    """Creates the client if it is missing, otherwise updates its name and redirect URIs. Idempotent."""

    help = (
        "Create or update an OAuth client of yours. Without options: the default client, from OAUTH_CLIENT_ID,"
        " OAUTH_CLIENT_NAME and OAUTH_REDIRECT_URIS. Run it at every start, and once for each further application or"
        " service. For many clients, keep a file: see provision."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options for clients other than the default one."""
        conf = latchkey()
        parser.add_argument("--client-id", default=conf.default_client_id)
        parser.add_argument("--name", default=None)
        parser.add_argument("--redirect-uri", action="append", dest="redirect_uris", default=None)
        parser.add_argument("--front-end-url", default=None, help="Base URL of the pages that mailed links open.")
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument(
            "--confidential",
            action="store_const",
            dest="kind",
            const=Kind.CONFIDENTIAL,
            default=Kind.PUBLIC,
            help="Create it with a secret, printed once.",
        )
        kind.add_argument(
            "--resource-server",
            action="store_const",
            dest="kind",
            const=Kind.RESOURCE_SERVER,
            help="Create one that may only introspect tokens, with a secret, printed once.",
        )
        parser.add_argument(
            "--new-secret",
            action="store_true",
            help="Replace the secret and print it once. The old one stops working at once.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object, the secret too.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create or update. Raises CommandError if the client exists and is of another kind."""
        conf, client_id, kind = latchkey(), options["client_id"], options["kind"]
        name, redirect_uris = options["name"], options["redirect_uris"]
        if client_id == conf.default_client_id:
            name, redirect_uris = name or conf.default_client_name, redirect_uris or conf.default_client_redirect_uris
        if options["new_secret"] and kind is Kind.PUBLIC:
            raise CommandError("--new-secret: a public client has no secret.")
        wanted = Wanted(
            client_id=client_id,
            kind=kind,
            name=name,
            redirect_uris=None if redirect_uris is None else tuple(redirect_uris),
            front_end_url=options["front_end_url"],
        )
        try:
            done = ensure(wanted, new_secret=options["new_secret"])
        except AnotherKind as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            texts = [(VARIABLES.get(name, name), text) for name, found in error.message_dict.items() for text in found]
            raise CommandError("; ".join(f"{name}: {text}" for name, text in texts)) from error
        if options["json"]:
            secret = {"client_secret": done.secret} if done.secret else {}
            self.stdout.write(
                json_of({"client_id": client_id, "created": done.created, "changed": done.changed, **secret})
            )
            return
        if options["verbosity"]:
            self.stdout.write(f"Client {client_id} is {'created' if done.created else 'up to date'}.")
        if done.secret:
            self.stdout.write(f"Client secret, shown only now: {done.secret}")
