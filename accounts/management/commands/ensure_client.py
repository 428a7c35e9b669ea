"""Create or update a first-party OAuth client."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from accounts.conf import latchkey
from accounts.tokens.models import Client

VARIABLES = {
    "client_id": "OAUTH_CLIENT_ID",
    "name": "OAUTH_CLIENT_NAME",
    "redirect_uris": "OAUTH_REDIRECT_URIS",
    "front_end_url": "--front-end-url",
    "__all__": "OAUTH_REDIRECT_URIS",
}
"""Environment variables of the default client, and options, by field, for error messages."""


class Command(BaseCommand):
    """Creates the client if it is missing, otherwise updates its name and redirect URIs. Idempotent."""

    help = (
        "Create or update an OAuth client of yours. Without options: the default client, from OAUTH_CLIENT_ID,"
        " OAUTH_CLIENT_NAME and OAUTH_REDIRECT_URIS. Run it at every start, and once for each further application or"
        " service. For many clients, keep a file: see provision."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options for clients other than the default one."""
        conf = latchkey()
        parser.add_argument("--client-id", default=conf.default_client_id)
        parser.add_argument("--name", default=None)
        parser.add_argument("--redirect-uri", action="append", dest="redirect_uris", default=None)
        parser.add_argument("--front-end-url", default=None, help="Base URL of the pages that mailed links open.")
        parser.add_argument("--confidential", action="store_true", help="Create it with a secret, printed once.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create or update. Raises CommandError if the client exists with the other type or as a third-party client."""
        conf, client_id = latchkey(), options["client_id"]
        client_type = Client.CLIENT_CONFIDENTIAL if options["confidential"] else Client.CLIENT_PUBLIC
        desired = {
            "name": options["name"],
            "redirect_uris": options["redirect_uris"],
            "front_end_url": options["front_end_url"],
        }
        if client_id == conf.default_client_id:
            desired["name"] = desired["name"] or conf.default_client_name
            desired["redirect_uris"] = desired["redirect_uris"] or conf.default_client_redirect_uris
        client = Client.objects.filter(client_id=client_id).first()
        secret = ""
        if client is None:
            client = Client(
                client_id=client_id,
                client_type=client_type,
                name=client_id,
                authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
                first_party=True,
            )
            secret = client.client_secret
        elif client.client_type != client_type or not client.first_party:
            kind = f"{client.client_type}, first party: {client.first_party}"
            raise CommandError(f"The client {client_id} already exists ({kind}). Change it in the administration.")
        # Fields without an option keep their values.
        changed = bool(secret)
        for field, value in desired.items():
            text = " ".join(value) if isinstance(value, list | tuple) else value
            if text is not None and getattr(client, field) != text:
                setattr(client, field, text)
                changed = True
        if changed:
            self._store(client)
        if options["verbosity"]:
            self.stdout.write(f"Client {client_id} is {'created' if secret else 'up to date'}.")
        if secret and options["confidential"]:
            self.stdout.write(f"Client secret, shown only now: {secret}")

    def _store(self, client: Client) -> None:
        try:
            client.full_clean(exclude=["client_secret"])
            client.save()
        except ValidationError as error:
            messages = [
                f"{VARIABLES.get(name, name)}: {text}" for name, texts in error.message_dict.items() for text in texts
            ]
            raise CommandError("; ".join(messages)) from error
        except IntegrityError:
            # Another process may have created it at the same time.
            if not Client.objects.filter(client_id=client.client_id).exists():
                raise
