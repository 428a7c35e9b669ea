"""Create and update OAuth clients as operators declare them: by options of a command, or in a file."""

import logging
import re
from dataclasses import dataclass, field
from enum import StrEnum

from django.contrib.auth.hashers import check_password
from django.db import IntegrityError, transaction

from accounts.shared.hashers import ClientSecretHasher
from accounts.tokens.models import RESOURCE_SERVER, Client

log = logging.getLogger(__name__)

CLIENT_ID = re.compile(r"[\x21-\x7e]{1,100}")
"""VSCHAR of RFC 6749, Appendix A.1, without the blank."""
SECRET = re.compile(r"[\x21-\x7e]{32,255}")
SECRET_HASH = re.compile(rf"{ClientSecretHasher.algorithm}\$[0-9]{{1,9}}\$[!-#%-~]+\$[!-#%-~]+")


class Kind(StrEnum):
    """What a client is for."""

    PUBLIC = "public"
    """Our own application, on the device of its user: it has no secret."""
    CONFIDENTIAL = "confidential"
    """Our own application, on a server."""
    RESOURCE_SERVER = "resource-server"
    """A service that takes our access tokens: it may introspect them, and nothing else."""


class AnotherKind(Exception):
    """The client exists and is of another kind, which is never changed: its tokens and secret would live on."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A client as it should be. What is None keeps its value, or gets its default."""

    client_id: str
    kind: Kind
    name: str | None = None
    redirect_uris: tuple[str, ...] | None = None
    front_end_url: str | None = None
    refresh_token_transport: str | None = None
    states_end_user: bool | None = None
    secret: str | None = field(default=None, repr=False)
    """The secret, or its hash. None for a new client makes one."""


@dataclass(frozen=True, kw_only=True)
class Ensured:
    """What was done."""

    created: bool
    changed: tuple[str, ...]
    """The fields that have another value now; empty for a new client."""
    secret: str = field(default="", repr=False)
    """The secret that was made, to be shown once; otherwise empty."""


def ensure(wanted: Wanted, *, new_secret: bool = False) -> Ensured:
    """Create the client if it is missing, otherwise update what differs. Idempotent, but for `new_secret`.

    `new_secret` replaces the secret of a confidential client; the old one stops working at once.

    Raises ValidationError, by the names of fields; AnotherKind.
    """
    client = Client.objects.filter(client_id=wanted.client_id).first()
    created = client is None
    if client is None:
        client = _new(wanted)
    elif kind_of(client) is not wanted.kind:
        kind = kind_of(client) or "third-party"
        raise AnotherKind(f"The client {wanted.client_id} already exists ({kind}). Its kind cannot change.")
    made = ""
    if wanted.kind is not Kind.PUBLIC and wanted.secret is None and (created or new_secret):
        made = client.client_secret = Client._meta.get_field("client_secret").get_default()  # noqa: SLF001 - public
    changed = (*_apply(client, wanted), *(["secret"] if made and not created else []))
    if created or changed:
        # Whether its id is free the database says: another process may create it at the same time.
        client.full_clean(exclude=["client_secret"], validate_unique=False)
        try:
            # A savepoint: the caller may be in a transaction.
            with transaction.atomic():
                client.save()
                done = "created" if created else f"changed ({', '.join(changed)})"
                transaction.on_commit(lambda: log.info("client %s: %s", wanted.client_id, done))
        except IntegrityError:
            if not created or not Client.objects.filter(client_id=wanted.client_id).exists():
                raise
            return ensure(wanted)
    return Ensured(created=created, changed=() if created else changed, secret=made)


def kind_of(client: Client) -> Kind | None:
    """The kind of a client; None for a third party's."""
    if client.is_resource_server:
        return Kind.RESOURCE_SERVER
    return Kind(client.client_type) if client.first_party else None


def _new(wanted: Wanted) -> Client:
    own_application = wanted.kind is not Kind.RESOURCE_SERVER
    return Client(
        client_id=wanted.client_id,
        client_type=Client.CLIENT_PUBLIC if wanted.kind is Kind.PUBLIC else Client.CLIENT_CONFIDENTIAL,
        name=wanted.client_id,
        authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE if own_application else RESOURCE_SERVER,
        first_party=own_application,
    )


def _apply(client: Client, wanted: Wanted) -> tuple[str, ...]:
    """Set what differs; returns the names of the fields."""
    desired = {
        "name": wanted.name,
        "redirect_uris": None if wanted.redirect_uris is None else " ".join(wanted.redirect_uris),
        "front_end_url": wanted.front_end_url,
        "refresh_token_transport": wanted.refresh_token_transport,
        "states_end_user": wanted.states_end_user,
    }
    changed = [name for name, value in desired.items() if value is not None and getattr(client, name) != value]
    for name in changed:
        setattr(client, name, desired[name])
    if wanted.secret is not None and not _is_secret_of(client, wanted.secret):
        # Storing it hashes it, unless it is a hash.
        client.client_secret = wanted.secret
        changed.append("secret")
    return tuple(changed)


def _is_secret_of(client: Client, secret: str) -> bool:
    return client.client_secret == secret or check_password(secret, client.client_secret)
