"""Make sure that an OAuth client of our own exists."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

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
        is_default = client_id == own.default_client_id
        name = options["name"] or (own.default_client_name if is_default else client_id)
        uris = options["redirect_uris"] or (own.default_client_redirect_uris if is_default else ())
        client_type = Client.CLIENT_CONFIDENTIAL if options["confidential"] else Client.CLIENT_PUBLIC
        client = Client(client_id=client_id, client_type=client_type)
        secret = client.client_secret
        client, created = Client.objects.get_or_create(
            client_id=client_id,
            defaults={
                "client_type": client_type,
                "client_secret": secret,
                "authorization_grant_type": Client.GRANT_AUTHORIZATION_CODE,
                "first_party": True,
            },
        )
        if client.client_type != client_type or not client.first_party:
            raise CommandError(
                f"The client {client_id} exists and is {client.client_type}, first party: "
                f"{client.first_party}. Change it in the administration."
            )
        wanted = {"name": name, "redirect_uris": " ".join(uris)}
        if any(getattr(client, field) != value for field, value in wanted.items()):
            Client.objects.filter(pk=client.pk).update(**wanted)
        if options["verbosity"]:
            self.stdout.write(f"Client {client_id} is {'created' if created else 'there'}.")
        if created and options["confidential"]:
            self.stdout.write(f"Its secret, shown only now: {secret}")
