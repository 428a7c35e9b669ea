"""Passkeys (WebAuthn level 3): how ceremonies begin, and what their answers change.

A ceremony is stored nowhere: its sealed token carries it, so that who asks for one costs no row. Its answer spends it
(S76). It counts for one purpose, one account, and for what began it: a session, a challenge or a client.
"""

import ipaddress
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.conf import latchkey
from accounts.errors import InvalidChallenge
from accounts.factors import sealing
from accounts.factors.answers import (
    ALGORITHMS,
    UNKNOWN,
    RelyingParty,
    check_assertion,
    check_creation,
    credential_id_of,
    rejected,
)
from accounts.factors.models import Passkey
from accounts.factors.passkeys import live, passkeys_of
from accounts.factors.sealing import CannotOpen
from accounts.people.models import Account
from accounts.shared import clock, single_use

TOKEN = ("challenge_token",)
CREATION = "passkey:create"
"""The purpose of the token of a registration."""
CHALLENGE, ACCOUNT, BOUND_TO, BY_CHALLENGE, AUTOMATIC = "challenge", "account", "bound_to", "by_challenge", "automatic"
"""The keys of the state in a token. The last two are those of a registration."""


class PasskeyPurpose(StrEnum):
    """What an assertion is for; it counts for nothing else."""

    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    REAUTHENTICATION = "reauthentication"


@dataclass(frozen=True, kw_only=True)
class Ceremony:
    """Options for the authenticator, and the token that goes with its answer; the duration is in seconds."""

    token: str = field(repr=False)
    expires_in: int
    options: dict[str, Any] = field(repr=False)


def rp_id() -> str:
    """The domain that passkeys belong to; empty if there is none: then there are no passkeys.

    PASSKEY_RP_ID, or the host of PUBLIC_URL. Browsers have WebAuthn at https only, and at localhost.
    """
    own = latchkey()
    if own.passkey_rp_id:
        return own.passkey_rp_id
    url = urlsplit(own.public_urls[0] if own.public_urls else "")
    host = url.hostname or ""
    return host if (own.development or url.scheme == "https") and not _is_address(host) else ""


def origins() -> tuple[str, ...]:
    """The origins that may use passkeys (§13.4.9): of pages and of apps.

    The pages are PASSKEY_ORIGINS, or those of this service and its front ends that are at the RP id or below it.
    """
    own = latchkey()
    mine = map(_origin, (*own.public_urls, *own.front_end_origins))
    pages = own.passkey_origins or tuple(origin for origin in mine if is_within(origin, rp_id()))
    apps = [app.origin for app in own.android_apps]
    if own.apple_apps and rp_id():
        # Apple's systems state the RP id in place of the app.
        apps.append(f"https://{rp_id()}")
    return tuple(dict.fromkeys((*pages, *apps)))


def related_origins() -> tuple[str, ...]:
    """The pages outside the RP id's domain that may use its passkeys, for `/.well-known/webauthn` (§5.11)."""
    return tuple(origin for origin in origins() if is_page(origin) and not is_within(origin, rp_id()))


def is_page(origin: str) -> bool:
    """Whether it is the origin of a web page, and not of an app."""
    return origin.startswith(("https://", "http://"))


def is_within(origin: str, domain: str) -> bool:
    """Whether the page may use this RP id without being related: its host is the domain, or below it (§5.1.3)."""
    host = urlsplit(origin).hostname or "" if is_page(origin) else ""
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def user_handle_of(account: Account) -> str:
    """What authenticators know the account by (§4, user handle), in base64url. It tells nothing about a person."""
    return bytes_to_base64url(account.pk.bytes)


def can_sign_in(account: Account, *, without: Passkey | None = None) -> bool:
    """Whether the account has a passkey that signs in by itself, beside this one."""
    found = passkeys_of(account).filter(can_sign_in=True)
    others = found.exclude(pk=without.pk) if without else found
    return bool(rp_id()) and others.exists()


def begin_registration(
    account: Account, *, bound_to: str, by_challenge: bool = False, automatic: bool = False
) -> Ceremony:
    """Options for `navigator.credentials.create`.

    `by_challenge` says that it is bound to the digest of an MfaEnrollmentChallenge, and not to a session. `automatic`:
    by the browser, without asking (conditional create).
    """
    challenge = secrets.token_bytes(32)
    options = generate_registration_options(
        rp_id=rp_id(),
        rp_name=latchkey().service_name,
        user_id=account.pk.bytes,
        user_name=account.email,
        user_display_name=account.get_full_name() or account.username,
        challenge=challenge,
        timeout=latchkey().passkey_ceremony_lifetime * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_descriptors(account),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    json = options_to_json_dict(options)
    # Asks whether the passkey is discoverable (§10.1.3).
    json["extensions"] = {"credProps": True}
    state = {BY_CHALLENGE: by_challenge, AUTOMATIC: automatic}
    return _ceremony(CREATION, challenge, json, account=account, bound_to=bound_to, **state)


def enrollment_of(token: str) -> str:
    """The digest of the MfaEnrollmentChallenge with which a registration was begun. Raises InvalidChallenge."""
    state = _unsealed(token, CREATION)
    if not state[BY_CHALLENGE]:
        raise InvalidChallenge(field=TOKEN)
    return str(state[BOUND_TO])


def verify_registration(token: str, response: object, *, account: Account, bound_to: str, name: str) -> Passkey:
    """Check the answer, and store the passkey. Call in a transaction that holds the account's lock.

    Raises InvalidChallenge, PasskeyRejected.
    """
    state = _opened(token, CREATION, account=account, bound_to=bound_to)
    _spend(state)
    automatic = bool(state[AUTOMATIC])
    created = check_creation(response, challenge=_challenge(state), party=_party(), automatic=automatic)
    passkey = Passkey(
        account=account,
        credential_id=created.credential_id,
        public_key=created.public_key,
        sign_count=created.sign_count,
        transports=created.transports,
        aaguid=created.aaguid,
        name=name,
        can_sign_in=created.discoverable is not False and (created.user_verified or automatic),
        backup_eligible=created.backup_eligible,
        backed_up=created.backed_up,
        created_at=clock.now(),
    )
    try:
        with transaction.atomic():
            passkey.save(force_insert=True)
    except IntegrityError:
        raise rejected("already registered") from None
    return passkey


def begin_assertion(purpose: PasskeyPurpose, *, account: Account | None, bound_to: str) -> Ceremony:
    """Options for `navigator.credentials.get`. Without an account, any passkey that is discoverable may answer."""
    challenge = secrets.token_bytes(32)
    options = generate_authentication_options(
        rp_id=rp_id(),
        challenge=challenge,
        timeout=latchkey().passkey_ceremony_lifetime * 1000,
        allow_credentials=_descriptors(account) if account else [],
        user_verification=UserVerificationRequirement.REQUIRED
        if _verifies_user(purpose)
        else UserVerificationRequirement.DISCOURAGED,
    )
    json = options_to_json_dict(options)
    return _ceremony(_token_purpose(purpose), challenge, json, account=account, bound_to=bound_to)


def verify_assertion(
    token: str, response: object, purpose: PasskeyPurpose, *, account: Account | None, bound_to: str
) -> Passkey:
    """Check the answer, and note that the passkey was used; `account` is None for a sign-in, which finds it.

    Call in a transaction. It locks the account, which is the passkey's `account` then. Raises InvalidChallenge,
    PasskeyRejected.
    """
    state = _opened(token, _token_purpose(purpose), account=account, bound_to=bound_to)
    passkey = _locked(credential_id_of(response), account)
    _spend(state)
    shown = check_assertion(
        response,
        challenge=_challenge(state),
        party=_party(),
        public_key=bytes(passkey.public_key),
        user_verification=_verifies_user(purpose),
    )
    if shown.user_handle is None and account is None:
        raise rejected("no user handle")
    if shown.user_handle not in {None, passkey.account.pk.bytes}:
        raise rejected("user handle of another account")
    if shown.backup_eligible != passkey.backup_eligible:
        raise rejected("backup eligibility changed")
    # Both zero: the authenticator does not count (§6.1.1). Otherwise there may be two of it.
    if max(shown.sign_count, passkey.sign_count) > 0 and shown.sign_count <= passkey.sign_count:
        raise rejected("counter went back")
    passkey.sign_count = shown.sign_count
    passkey.backed_up = shown.backed_up
    passkey.last_used_at = clock.now()
    # It was found without being named, and has verified its user.
    passkey.can_sign_in = passkey.can_sign_in or (account is None and shown.user_verified)
    passkey.save(update_fields=["sign_count", "backed_up", "last_used_at", "can_sign_in"])
    return passkey


def _locked(credential_id: str, account: Account | None) -> Passkey:
    """The passkey with this id, of this account or of any, locked with its account."""
    unknown = rejected("unknown", about=UNKNOWN)
    holder = live().filter(credential_id=credential_id).values_list("account", flat=True).first()
    if holder is None or (account is not None and holder != account.pk):
        raise unknown
    locked = Account.objects.select_for_update(no_key=True).filter(pk=holder).first()
    passkey = Passkey.objects.select_for_update().filter(credential_id=credential_id, account=holder).first()
    if locked is None or passkey is None:
        raise unknown
    passkey.account = locked
    return passkey


def _verifies_user(purpose: PasskeyPurpose) -> bool:
    """Whether the passkey has to verify its user: not where something else has shown who it is."""
    return purpose is not PasskeyPurpose.SECOND_FACTOR


def _token_purpose(purpose: PasskeyPurpose) -> str:
    return f"passkey:{purpose}"


def _ceremony(
    purpose: str,
    challenge: bytes,
    options: dict[str, Any],
    *,
    account: Account | None,
    bound_to: str,
    **more: bool,
) -> Ceremony:
    lifetime = latchkey().passkey_ceremony_lifetime
    state = {CHALLENGE: bytes_to_base64url(challenge), ACCOUNT: _key(account), BOUND_TO: bound_to, **more}
    token = sealing.token(purpose, lifetime=lifetime, **state)
    return Ceremony(token=token, expires_in=lifetime, options=options)


def _opened(token: str, purpose: str, *, account: Account | None, bound_to: str) -> dict[str, Any]:
    state = _unsealed(token, purpose)
    if (state[ACCOUNT], state[BOUND_TO]) != (_key(account), bound_to):
        raise InvalidChallenge(field=TOKEN)
    return state


def _unsealed(token: str, purpose: str) -> dict[str, Any]:
    try:
        return sealing.open_token(token, purpose)
    except CannotOpen:
        raise InvalidChallenge(field=TOKEN) from None


def _spend(state: dict[str, Any]) -> None:
    """Use the ceremony up, in the transaction of what it allows."""
    expires_at = datetime.fromtimestamp(state["expires_at"], UTC)
    if not single_use.spend({f"passkey {state[CHALLENGE]}": expires_at}):
        raise InvalidChallenge(field=TOKEN)


def _challenge(state: dict[str, Any]) -> bytes:
    return base64url_to_bytes(state[CHALLENGE])


def _key(account: Account | None) -> str:
    return str(account.pk) if account else ""


def _party() -> RelyingParty:
    return RelyingParty(id=rp_id(), origins=origins())


def _descriptors(account: Account) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(credential_id), transports=[AuthenticatorTransport(word) for word in transports]
        )
        for credential_id, transports in passkeys_of(account).values_list("credential_id", "transports")
    ]


def _origin(url: str) -> str:
    """The origin of a URL, as browsers write it."""
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
