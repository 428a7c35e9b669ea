"""S15, S71, S75: a copy of the database shows no second factor, nor gives a way to try codes."""

import base64
import hmac
from hashlib import sha256

import pytest
from django.conf import settings as django_settings

from accounts.factors import sealing
from accounts.factors.models import RecoveryCodes, Totp
from accounts.shared.typed_codes import normalized
from tests.factories import make_account
from tests.mails.test_dump import dump, first_found
from tests.mfa.calls import answer, challenge, confirm, create, holder
from tests.mfa.enrolled import code_of, with_codes


@pytest.fixture
def full(graphql, sign_in):
    """What a holder has: the secret, and the recovery codes that are left; with all steps on the way to them."""
    account = make_account(email_verified=True)
    bearer = sign_in(account).access_token
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    code = code_of(enrollment["secret"])
    recovery = confirm(graphql, enrollment, bearer=bearer, code=code)["recoveryCodes"]
    tokens = [challenge(graphql, account) for _ in range(3)]
    assert answer(graphql, tokens[0], recoveryCode=recovery[0])["tokens"]
    answer(graphql, tokens[1], totpCode="123456")
    other, _secret = holder()
    with_codes(other)
    return enrollment, code, recovery, tokens


def test_no_factor_and_no_step_is_in_a_dump(full):
    """S15: neither the secret in any form, nor a code, nor a token."""
    enrollment, code, recovery, tokens = full
    values = dump()
    text = "\n".join(values)
    raw = base64.b32decode(enrollment["secret"])

    for found in (enrollment["secret"], raw.hex(), base64.b64encode(raw).decode(), enrollment["token"], *tokens):
        assert found not in text
    assert code not in values
    for letters in recovery:
        assert letters not in text and letters.replace("-", "") not in text


def test_trying_all_codes_of_an_app_finds_none(full):
    """S71: nothing in the dump tells the code that was used, or the next one, from the others."""
    values = dump()

    for salt in (bytes(Totp.objects.first().account_id.bytes), b""):
        assert first_found(values, salt) is None


def test_recovery_codes_cannot_be_tried_without_the_key(full):
    """S71: a digest tells a right code only to who has MFA_KEYS, or SECRET_KEY: no other value of the dump is a key."""
    _enrollment, _code, recovery, _tokens = full
    right = normalized(recovery[5])
    rows = list(RecoveryCodes.objects.all())
    digests = {digest for row in rows for digest in row.digests}
    keys = [value.encode() for value in dump()]
    keys += [bytes.fromhex(text) for text in map(bytes.decode, keys) if is_hex(text)]

    assert digests.isdisjoint(sha256(key + right).hexdigest() for key in [b"", *keys])
    assert digests.isdisjoint(hmac.new(key, right, sha256).hexdigest() for key in [b"", *keys])
    # The control: the key is sealed in the row.
    assert any(
        hmac.new(bytes.fromhex(sealing.unseal(row.key)), right, sha256).hexdigest() in row.digests for row in rows
    )
    assert django_settings.SECRET_KEY not in "\n".join(dump())


def is_hex(text: str) -> bool:
    """Whether the text may be bytes in hexadecimal digits."""
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return bool(text)
