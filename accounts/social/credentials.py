"""The credentials of a provider that a client can present."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar


class CredentialKind(Enum):
    """The kinds of credentials. The value is the name of the input field."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    ID_TOKEN = "id_token"  # noqa: S105 - a name
    CODE = "code"


FORMS = {
    CredentialKind.ACCESS_TOKEN: re.compile(r"[ -~]{1,4096}"),
    CredentialKind.ID_TOKEN: re.compile(r"[ -~]{1,16384}"),
    CredentialKind.CODE: re.compile(r"[ -~]{1,4096}"),
}
"""Printable ASCII, 4 KiB at most; 16 KiB for ID tokens, which may list a hundred groups (S36)."""


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
    """An authorization code, and the values to redeem it."""

    kind: ClassVar = CredentialKind.CODE
    value: str = field(repr=False)
    redirect_uri: str
    code_verifier: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    """The nonce of the authorization request. The ID token that the code is redeemed for must contain it."""


Credential = AccessToken | IdToken | AuthorizationCode
