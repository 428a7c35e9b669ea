"""The administration's page for the factor in Chromium: with a passkey, and without scripts."""

import base64
import json
import os

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.api import PASSWORD
from tests.authenticator import ES256, cose, new_key
from tests.live import free_port, serving
from tests.tools import chromium, node

MAKE = """
import json
from accounts.factors.models import Passkey
from accounts.people.models import Account
from tests.mfa.enrolled import with_app, with_codes
fields = dict(username="root1", first_name="Root", email_verified=True)
account = Account.objects.create_superuser({email!r}, {password!r}, **fields)
with_app(account)
Passkey.objects.create(
    account=account, credential_id={id!r}, public_key=bytes.fromhex({key!r}), name="Key", can_sign_in=True,
    backup_eligible=False, backed_up=False,
)
print(json.dumps([account.pk.hex, with_codes(account)[0]]))
"""


@pytest.fixture
def live(tmp_path):
    """The service at a name, since passkeys do not belong to addresses."""
    port = str(free_port())
    with serving(tmp_path, PORT=port, PUBLIC_URL=f"http://localhost:{port}") as server:
        yield server


def test_a_passkey_or_a_code_enters(live):
    """S77: the script of the page runs under the Content-Security-Policy, and codes need none."""
    email, id_, key = "root@example.com", os.urandom(32), new_key(ES256)
    public = cbor2.dumps(cose(key, ES256)).hex()
    named = base64.urlsafe_b64encode(id_).rstrip(b"=").decode()
    made = live.manage("shell", "-v0", "-c", MAKE.format(email=email, password=PASSWORD, id=named, key=public))
    account, code = json.loads(made.splitlines()[-1])
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    passkey = {
        "credentialId": base64.b64encode(id_).decode(),
        "isResidentCredential": True,
        "rpId": "localhost",
        "privateKey": base64.b64encode(private).decode(),
        "userHandle": base64.b64encode(bytes.fromhex(account)).decode(),
        "signCount": 1,
    }

    given = {"email": email, "password": PASSWORD, "passkey": passkey, "code": code}
    seen = node("admin_factor.mjs", chromium(), live.url.replace("127.0.0.1", "localhost"), json.dumps(given))

    assert seen == {
        "refused": [],
        "failure": "This passkey did not work here.",
        "focused": "button",
        "byPasskey": "Site administration | Latchkey administration",
        "offersPasskey": False,
        "byCode": "Site administration | Latchkey administration",
    }
