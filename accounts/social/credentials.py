"""What a client can show of a provider."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

FORM = re.compile(r"[ -~]{1,4096}")
"""Printable ASCII, 4 KiB at most (S36)."""


class CredentialKind(Enum):
    """What a provider can issue. The value is the input field that it comes in."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    ID_TOKEN = "id_token"  # noqa: S105 - a name
    CODE = "code"


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """An OAuth access token that the provider issued to this application."""

    kind: ClassVar = CredentialKind.ACCESS_TOKEN
    value: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """An ID token that the provider issued for this application, and the nonce that it should carry."""

    kind: ClassVar = CredentialKind.ID_TOKEN
    value: str = field(repr=False)
    nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    """An authorization code, and what it takes to redeem it."""

    kind: ClassVar = CredentialKind.CODE
    value: str = field(repr=False)
    redirect_uri: str
    code_verifier: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    """Of the authorization request: an ID token that comes of the code has to carry it."""


Credential = AccessToken | IdToken | AuthorizationCode
