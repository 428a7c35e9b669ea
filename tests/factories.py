"""Things that tests start from."""

import itertools
from typing import Any

from accounts.people.models import Account
from accounts.tokens.models import Client
from tests.api import PASSWORD

_numbers = itertools.count(1)


def make_account(**fields: Any) -> Account:
    """An account with PASSWORD, unless told otherwise."""
    number = next(_numbers)
    fields = {
        "email": f"person{number}@example.com",
        "username": f"person{number}",
        "first_name": "Ada",
        "password": PASSWORD,
        **fields,
    }
    return Account.objects.create_user(**fields)


def make_client(**fields: Any) -> tuple[Client, str]:
    """A client and its secret; first party and public unless told otherwise."""
    number = next(_numbers)
    client = Client(
        **{
            "client_id": f"client{number}",
            "client_type": Client.CLIENT_PUBLIC,
            "authorization_grant_type": Client.GRANT_AUTHORIZATION_CODE,
            "first_party": True,
            **fields,
        }
    )
    secret = client.client_secret
    client.save()
    return client, secret
