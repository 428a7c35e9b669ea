"""Claims of providers, normalised to OpenID claim names (OpenID Connect Core §5.1), and their readers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.shared.texts import canonical_email

SUBJECT = re.compile(r"(?! +$)[ -~]{1,255}")
"""Printable ASCII (OpenID Connect Core §2), and not blank."""
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Content = dict[str, Any]
"""A JSON object: an answer, or the content of a JWT."""


@dataclass(frozen=True, kw_only=True)
class Claims:
    """A provider's claims about a person, normalised to OpenID claim names (OpenID Connect Core §5.1)."""

    sub: str
    email: str = ""
    email_verified: bool = False
    given_name: str = ""
    family_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The outcome for a credential that was issued for us."""

    claims: Claims
    amr: frozenset[str] = frozenset()
    """How the provider has authenticated the person (RFC 8176), by the signed word of an ID token alone."""
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The provider's tokens and claims. Never stored; `signals.social_signed_in` passes them on once."""


class ClaimsReader:
    """Reads the claims of an ID token or of userinfo. A subclass knows how its provider marks a verified address."""

    verification = "email_verified"
    """The claim that says whether the address is verified."""

    def read(self, content: Content) -> Claims:
        """The claims of a content whose subject was checked."""
        given_name, family_name = text(content.get("given_name")), text(content.get("family_name"))
        whole, local_part = text(content.get("name")).strip(), text(content.get("email")).partition("@")[0]
        if whole and not given_name and whole.casefold() != local_part.casefold():
            # Microsoft, GitHub and others send the whole name only; Auth0 sends the address if it knows no name.
            given_name, _, family_name = whole.partition(" ")
        return Claims(
            sub=content["sub"],
            email=text(content.get("email")),
            email_verified=self.email_verified(content),
            given_name=given_name,
            family_name=family_name,
        )

    def email_verified(self, content: Content) -> bool:
        """Whether the provider says that it has verified the address."""
        return is_true(content.get(self.verification))

    def userinfo_may_add(self, content: Content) -> bool:
        """Whether an ID token lacks something that userinfo may hold."""
        claims = self.read(content)
        return not (claims.email and claims.given_name and claims.family_name) or content.get(self.verification) is None

    def merge(self, id_token: Content, userinfo: Content) -> Content:
        """The ID token's claims, and userinfo's for those that it lacks. An address keeps its own verification.

        Aggregated and distributed claims (OpenID Connect Core §5.6.2) are not followed: anybody may be their source.
        """
        address = text(id_token.get("email")) or text(userinfo.get("email"))
        verified = [
            source[self.verification]
            for source in (id_token, userinfo)
            if source.get(self.verification) is not None
            and canonical_email(text(source.get("email"))) == canonical_email(address)
        ]
        names = {
            name: id_token.get(name) if text(id_token.get(name)).strip() else userinfo.get(name)
            for name in ("name", "given_name", "family_name")
        }
        return {**userinfo, **id_token, **names, "email": address, self.verification: (verified or [None])[0]}


def text(value: object) -> str:
    """The value if it is text, else empty. NUL and lone surrogates, which no database takes, become spaces."""
    return UNSTORABLE.sub(" ", value) if isinstance(value, str) else ""


def is_true(value: object) -> bool:
    """Whether the value is true or "true": providers send either form, and no other counts (S32)."""
    return value is True or value == "true"
