"""Make sure that an OAuth client of our own exists."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from accounts.conf import latchkey
from accounts.models import Client


class Command(BaseCommand):
    """Idempotent: creates the client if it is missing, else brings name and redirect URIs up to date."""

    help = (
        "Create or update a first-party OAuth client. Without options: the default one, as OAUTH_CLIENT_ID,"
        " OAUTH_CLIENT_NAME and OAUTH_REDIRECT_URIS describe it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options for further clients."""
        own = latchkey()
        parser.add_argument("--client-id", default=own.default_client_id)
        parser.add_argument("--name", default=None)
        parser.add_argument("--redirect-uri", action="append", dest="redirect_uris", default=None)
        parser.add_argument("--confidential", action="store_true", help="With a secret, printed once, when created.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create or update. Raises CommandError if the client exists and is of the other type, or third party."""
        own, client_id = latchkey(), options["client_id"]
        client_type = Client.CLIENT_CONFIDENTIAL if options["confidential"] else Client.CLIENT_PUBLIC
        wanted = {"name": options["name"], "redirect_uris": options["redirect_uris"]}
        if client_id == own.default_client_id:
            wanted["name"] = wanted["name"] or own.default_client_name
            wanted["redirect_uris"] = wanted["redirect_uris"] or own.default_client_redirect_uris
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
            raise CommandError(f"The client {client_id} exists and is {kind}. Change it in the administration.")
        # What is not asked for stays as it is.
        changed = bool(secret)
        for field, value in wanted.items():
            text = " ".join(value) if isinstance(value, list | tuple) else value
            if text is not None and getattr(client, field) != text:
                setattr(client, field, text)
                changed = True
        if changed:
            self._store(client)
        if options["verbosity"]:
            self.stdout.write(f"Client {client_id} is {'created' if secret else 'there'}.")
        if secret and options["confidential"]:
            self.stdout.write(f"Its secret, shown only now: {secret}")

    def _store(self, client: Client) -> None:
        try:
            client.full_clean(exclude=["client_secret"])
            client.save()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except IntegrityError:
            # Another process has just made it.
            if not Client.objects.filter(client_id=client.client_id).exists():
                raise
