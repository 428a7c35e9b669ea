"""Recovery codes, for who has lost the other factors.

They are stored as HMACs under a random key for each account, which is sealed. So a copy of the database gives no way to
try codes (S71).
"""

import hmac
import logging
import secrets
from hashlib import sha256

from accounts.factors import sealing
from accounts.factors.errors import wrong_code
from accounts.factors.models import RecoveryCodes
from accounts.factors.sealing import CannotOpen
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.typed_codes import ALPHABET, grouped, normalized

log = logging.getLogger(__name__)

NUMBER = 10
LENGTH = 12
"""Letters of a code: together 51 bits."""
FEW_LEFT = 2
"""Then it is time to make new ones."""


def make(account: Account) -> list[str]:
    """Replace the account's recovery codes; returns the new ones, which cannot be read again.

    Call in a transaction that holds the account's lock.
    """
    key = secrets.token_hex(32)
    codes = [grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH))) for _ in range(NUMBER)]
    RecoveryCodes.objects.update_or_create(
        account=account,
        defaults={
            "key": sealing.seal(key),
            "digests": [_digest(key, code) for code in codes],
            "created_at": clock.now(),
        },
    )
    return codes


def use(account: Account, code: str) -> int:
    """Use a code up; returns how many are left. Raises InvalidCode.

    Call in a transaction that holds the account's lock.
    """
    stored = RecoveryCodes.objects.filter(account=account).first()
    if stored is None:
        raise wrong_code()
    try:
        key = sealing.unseal(stored.key)
    except CannotOpen:
        log.error("the key of recovery codes cannot be opened: a key is missing from MFA_KEYS")  # noqa: TRY400
        raise wrong_code() from None
    digest = _digest(key, code)
    # All are compared, so that the time tells nothing.
    right = [known for known in stored.digests if hmac.compare_digest(known, digest)]
    if not right:
        raise wrong_code()
    stored.digests = [known for known in stored.digests if known not in right]
    # Under the first of MFA_KEYS, so that older ones run out of use.
    stored.key = sealing.seal(key)
    stored.save(update_fields=["digests", "key"])
    return len(stored.digests)


def _digest(key: str, code: str) -> str:
    return hmac.new(bytes.fromhex(key), normalized(code), sha256).hexdigest()
