"""The answers of authenticators, without accounts: recorded ones, forged ones, and nonsense (S76, S80)."""

import contextlib
import copy
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings, strategies

from accounts.factors.answers import (
    BASE64URL,
    MALFORMED,
    UNKNOWN,
    RelyingParty,
    check_assertion,
    check_creation,
    credential_id_of,
)
from accounts.factors.errors import PasskeyRejected
from tests.authenticator import EDDSA, ES256, RS256, Authenticator, Credential, b64, cose, new_key, unb64

PARTY = RelyingParty(id="example.org", origins=("https://example.org", "https://login.example.org:8443"))
CHALLENGE = b"a challenge of thirty-two bytes!"
VECTORS = json.loads((Path(__file__).parent / "webauthn_vectors.json").read_text())
"""WebAuthn level 3 §16, in base64url: copyright W3C, https://www.w3.org/TR/webauthn-3/#sctn-test-vectors."""
REFUSED = {
    "none-es256-crossOrigin": "in a frame of another origin",
    "none-es256-topOrigin": "in a frame of another origin",
    "packed-es384": "unsupported key",
    "packed-es512": "unsupported key",
    "packed-ed448": "unsupported key",
}
"""Those of frames, and of algorithms that we do not offer."""


@pytest.fixture(scope="module")
def authenticator() -> Authenticator:
    """One with a credential, at a page of the party."""
    made = Authenticator(origin="https://example.org")
    made.credentials.append(credential_of(new_key(ES256), ES256))
    return made


def credential_of(key: Any, algorithm: int) -> Credential:
    """A credential of the party with this key."""
    return Credential(
        id=hashlib.sha256(b"id").digest(),
        key=key,
        algorithm=algorithm,
        rp_id=PARTY.id,
        user_handle=b"holder",
        user_name="holder",
        discoverable=True,
        sign_count=0,
    )


def created(response: object, **how: Any):
    """Check it."""
    return check_creation(response, challenge=CHALLENGE, party=PARTY, **how)


def shown(response: object, public_key: bytes, *, user_verification: bool = True):
    """Check it."""
    return check_assertion(
        response, challenge=CHALLENGE, party=PARTY, public_key=public_key, user_verification=user_verification
    )


def cause_of(function, *args: Any, **kwargs: Any) -> str:
    """Why the answer is rejected."""
    with pytest.raises(PasskeyRejected) as refusal:
        function(*args, **kwargs)
    assert refusal.value.field is not None
    return refusal.value.cause.removeprefix("PASSKEY_REJECTED: ")


def recorded(name: str, ceremony: str) -> tuple[dict[str, Any], bytes]:
    """The answer of a recorded ceremony as browsers send it, and its challenge."""
    credential_id = VECTORS[name]["registration"]["credential_id"]
    parts = {key: value for key, value in VECTORS[name][ceremony].items() if key not in {"challenge", "credential_id"}}
    response = {"id": credential_id, "rawId": credential_id, "type": "public-key", "response": parts}
    return response, unb64(VECTORS[name][ceremony]["challenge"])


@pytest.mark.parametrize("name", sorted(VECTORS.keys() - REFUSED.keys()))
def test_recorded_ceremonies_are_accepted(name):
    """Also with attestation of each format, which is not read."""
    response, challenge = recorded(name, "registration")
    made = check_creation(response, challenge=challenge, party=PARTY)
    assert made.credential_id == response["id"]

    response, challenge = recorded(name, "authentication")
    used = check_assertion(
        response, challenge=challenge, party=PARTY, public_key=made.public_key, user_verification=False
    )
    assert used.backup_eligible == made.backup_eligible

    raw = bytearray(unb64(response["response"]["signature"]))
    raw[-1] ^= 1
    response["response"]["signature"] = b64(bytes(raw))
    forged = cause_of(
        check_assertion,
        response,
        challenge=challenge,
        party=PARTY,
        public_key=made.public_key,
        user_verification=False,
    )
    assert forged == "wrong signature"


@pytest.mark.parametrize(("name", "cause"), REFUSED.items())
def test_recorded_ceremonies_that_we_do_not_want(name, cause):
    """In a frame of another page, or with another algorithm than we offer."""
    response, challenge = recorded(name, "registration")

    assert cause_of(check_creation, response, challenge=challenge, party=PARTY) == cause


WRONG = {
    "wrong origin": {"origin": "https://evil.example"},
    "another port": {"origin": "https://example.org:8443"},
    "without TLS": {"origin": "http://example.org"},
    "a host below it that is not listed": {"origin": "https://evil.example.org"},
    "with a path": {"origin": "https://example.org/"},
    "in capitals": {"origin": "https://EXAMPLE.org"},
    "wrong RP id": {"rp_id": "example.com"},
    "wrong challenge": {"client_data": {"challenge": b64(CHALLENGE[::-1])}},
    "no challenge": {"client_data": {"challenge": None}},
    "a challenge that is a number": {"client_data": {"challenge": 5}},
    "an origin that is a list": {"client_data": {"origin": ["https://example.org"]}},
    "wrong type": {"client_data": {"type": "payment.get"}},
    "in a frame": {"client_data": {"crossOrigin": True}},
    "below another page": {"client_data": {"crossOrigin": False, "topOrigin": "https://example.net"}},
    "backed up but not eligible": {"be": False, "bs": True},
}
CAUSES = {
    **dict.fromkeys(WRONG, "wrong origin"),
    "wrong RP id": "wrong RP id",
    "wrong challenge": "wrong challenge",
    "no challenge": MALFORMED,
    "a challenge that is a number": MALFORMED,
    "wrong type": "wrong type of ceremony",
    "in a frame": "in a frame of another origin",
    "below another page": "in a frame of another origin",
    "backed up but not eligible": MALFORMED,
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_ceremony_is_rejected_with_its_cause(authenticator, name):
    """S74, S76: in both ceremonies; operators read which."""
    wrong = authenticator.with_(**WRONG[name])
    [credential] = authenticator.credentials
    key = cbor2.dumps(cose(credential.key, ES256))

    assert cause_of(created, wrong.created(credential, b64(CHALLENGE))) == CAUSES[name]
    assert cause_of(shown, wrong.shown(credential, b64(CHALLENGE)), key) == CAUSES[name]


def test_another_port_is_right_where_it_is_listed(authenticator):
    """Ports are part of an origin."""
    elsewhere = authenticator.with_(origin="https://login.example.org:8443")

    assert created(elsewhere.created(authenticator.credentials[0], b64(CHALLENGE))).user_verified


def test_an_answer_is_one_to_its_own_ceremony(authenticator):
    """S76: what was made to create signs nobody in, and the reverse."""
    [credential] = authenticator.credentials
    key = cbor2.dumps(cose(credential.key, ES256))
    creation, assertion = (
        authenticator.created(credential, b64(CHALLENGE)),
        authenticator.shown(credential, b64(CHALLENGE)),
    )
    mixed = {**assertion, "response": {**assertion["response"], **creation["response"]}}

    assert cause_of(shown, mixed, key) == "wrong type of ceremony"
    assert cause_of(created, assertion) == MALFORMED


@pytest.mark.parametrize(
    ("flags", "cause"), [({"up": False}, "user not present"), ({"uv": False}, "user not verified")]
)
def test_the_user_is_present_and_verified(authenticator, flags, cause):
    """S76."""
    [credential] = authenticator.credentials
    key = cbor2.dumps(cose(credential.key, ES256))

    assert cause_of(shown, authenticator.with_(**flags).shown(credential, b64(CHALLENGE)), key) == cause


def test_nobody_need_be_there_when_a_passkey_is_made_automatically(authenticator):
    """Conditional create; otherwise somebody has to be."""
    [credential] = authenticator.credentials
    response = authenticator.with_(up=False, uv=False).created(credential, b64(CHALLENGE))

    assert created(response, automatic=True).user_verified is False
    assert cause_of(created, response) == "user not present"


KEYS = {
    "P-384 as ES256": (ec.generate_private_key(ec.SECP384R1()), ES256),
    "P-256 as EdDSA": (new_key(ES256), EDDSA),
    "P-256 as RS256": (new_key(ES256), RS256),
    "Ed25519 as ES256": (new_key(EDDSA), ES256),
    "RSA as ES256": (new_key(RS256), ES256),
    "RSA as EdDSA": (new_key(RS256), EDDSA),
    "RSA with SHA-1": (new_key(RS256), -65535),
    "RSA-PSS": (new_key(RS256), -37),
    "P-521 with SHA-512": (ec.generate_private_key(ec.SECP521R1()), -36),
    "RSA of 1,024 bits": (rsa.generate_private_key(public_exponent=65537, key_size=1024), RS256),  # noqa: S505
    "HMAC": (new_key(EDDSA), 5),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_another_kind_is_not_registered(authenticator, name):
    """Algorithm confusion: the algorithm, the type of the key and its curve belong together (§5.8.5)."""
    credential = credential_of(*KEYS[name])

    assert cause_of(created, authenticator.created(credential, b64(CHALLENGE))) in {"unsupported key", MALFORMED}


@pytest.mark.parametrize("algorithm", [EDDSA, RS256, -36, -65535, -37])
def test_a_stored_key_verifies_with_no_other_algorithm(authenticator, algorithm):
    """Also if the key were stored with another one."""
    [credential] = authenticator.credentials
    key = cbor2.dumps({**cose(credential.key, ES256), 3: algorithm})

    assert cause_of(shown, authenticator.shown(credential, b64(CHALLENGE)), key)


NO_KEYS: dict[str, Any] = {
    "no map": 5,
    "empty": {},
    "a list": [1, 2],
    "a text": "key",
    "no coordinates": {1: 2, 3: -7, -1: 1},
    "coordinates that are numbers": {1: 2, 3: -7, -1: 1, -2: 5, -3: 6},
    "a point that is not on the curve": {1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32},
    "a point at infinity": {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)},
    "empty coordinates": {1: 2, 3: -7, -1: 1, -2: b"", -3: b""},
    "a compressed point": {1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: True},
    "a short Ed25519 key": {1: 1, 3: -8, -1: 6, -2: b"\1" * 31},
    "an exponent of one": {1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\1"},
    "a huge exponent": {1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\xff" * 256},
    "a huge modulus": {1: 3, 3: -257, -1: b"\xff" * 4000, -2: b"\1\0\1"},
    "a text in place of a number": {"1": 2, "3": -7},
    "something more, at length": {**cose(new_key(ES256), ES256), 99: b"x" * 4000},
    "an unhashable type": {1: [2], 3: {}},
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_what_is_no_key_is_not_registered(authenticator, name):
    """Whatever the library makes of it."""
    response = authenticator.created(
        authenticator.credentials[0], b64(CHALLENGE), public_key=cbor2.dumps(NO_KEYS[name])
    )

    assert cause_of(created, response) in {"unsupported key", MALFORMED}


def deep(depth: int) -> bytes:
    """Lists in lists."""
    return b"\x81" * depth + b"\0"


def shared(depth: int) -> bytes:
    """Lists that hold the list before twice (tags 28 and 29): a few bytes, which written out are 2 to that power."""
    lists = [b"\xd8\x1c\x82\0\0"]
    lists += [b"\xd8\x1c\x82" + 2 * (b"\xd8\x1d" + cbor2.dumps(number)) for number in range(depth)]
    return b"\x98" + bytes([len(lists)]) + b"".join(lists)


HOSTILE_CBOR = {
    "empty": b"",
    "deep lists": deep(11_000),
    "deep maps": b"\xa1\0" * 6_000 + b"\0",
    "deep tags": b"\xc1" * 11_000 + b"\0",
    "a list that claims to be huge": b"\x9b" + b"\xff" * 8,
    "a text that claims to be huge": b"\x7b" + b"\x7f" + b"\xff" * 7,
    "a map that claims to be huge": b"\xbb" + b"\x7f" + b"\xff" * 7,
    "bytes that claim to be huge": b"\x5a\x7f\xff\xff\xff",
    "endless": b"\x9f" * 11_000,
    "a big number": b"\xc2\x59\x2a\x00" + b"\xff" * 0x2A00,
    "a huge exponent": cbor2.dumps(cbor2.CBORTag(4, [10**12, 1])),
    "a huge binary exponent": cbor2.dumps(cbor2.CBORTag(5, [10**9, 1])),
    "a fraction": cbor2.dumps(cbor2.CBORTag(30, [1, 0])),
    "a regular expression": cbor2.dumps(cbor2.CBORTag(35, "(a+)+" * 500)),
    "regular expressions that are dear": cbor2.dumps(cbor2.CBORTag(35, "(?i)" + "[\x01-\U0010fffe]" * 700)),
    "shared lists": shared(17),
    "many shared lists": shared(200),
    "a shared cycle": bytes.fromhex("d81c81d81d00"),
    "a date": cbor2.dumps(cbor2.CBORTag(1, 10**18)),
    "an address": cbor2.dumps(cbor2.CBORTag(260, b"x")),
    "a MIME message": cbor2.dumps(cbor2.CBORTag(36, "a: b\n" * 1000)),
    "the same key twice": bytes.fromhex("a2616100616101"),
    "text that is not UTF-8": b"\x61\xff",
    "a number": b"\x05",
    "undefined": b"\xf7",
    "many short strings": cbor2.dumps(["x"] * 6000),
}


@pytest.mark.parametrize("name", HOSTILE_CBOR)
@pytest.mark.parametrize("where", ["object", "data", "statement", "key", "extensions"])
def test_no_cbor_brings_the_service_down(authenticator, name, where):
    """S80: at each place where CBOR is read, a typed refusal within a short time; the statement is not read."""
    [credential] = authenticator.credentials
    nonsense, right = HOSTILE_CBOR[name], authenticator.created(credential, b64(CHALLENGE))
    data = cbor2.loads(unb64(right["response"]["attestationObject"]))["authData"]
    raw = {
        "object": nonsense,
        "data": b"\xa1\x68authData" + nonsense,
        "statement": b"\xa3\x63fmt\x64none\x67attStmt" + nonsense + b"\x68authData" + cbor2.dumps(data),
        "key": cbor2.dumps({"authData": data[: 37 + 16 + 2 + 32] + nonsense}),
        "extensions": cbor2.dumps({"authData": data[:32] + bytes([data[32] | 128]) + data[33:] + nonsense}),
    }[where]
    right["response"]["attestationObject"] = b64(raw)

    began = time.process_time()
    try:
        created(right)
    except PasskeyRejected:
        refused = True
    else:
        refused = False
    assert refused or where in {"statement", "extensions"}
    assert time.process_time() - began < 0.25


@pytest.mark.parametrize("name", HOSTILE_CBOR)
@pytest.mark.parametrize("where", ["key", "extensions"])
def test_no_cbor_of_an_assertion_brings_the_service_down(authenticator, name, where):
    """S80: whoever has a passkey, or knows the id of one, sends it without being signed in."""
    [credential] = authenticator.credentials
    key = cbor2.dumps(cose(credential.key, ES256))
    answer = authenticator.shown(credential, b64(CHALLENGE))
    data = unb64(answer["response"]["authenticatorData"])
    flag, before = {"key": (64, bytes(16) + (32).to_bytes(2) + bytes(32)), "extensions": (128, b"")}[where]
    raw = data[:32] + bytes([data[32] | flag]) + data[33:] + before + HOSTILE_CBOR[name]
    answer["response"]["authenticatorData"] = b64(raw)

    began = time.process_time()
    with pytest.raises(PasskeyRejected):
        shown(answer, key)
    assert time.process_time() - began < 0.25


def test_reading_cbor_takes_time_in_proportion(authenticator):
    """S80: the longest answers of each kind cost at most a few times as much, byte for byte, as half of them."""
    worst = {
        "lists": deep,
        "endless": lambda size: b"\x9f" * size,
        "strings": lambda size: cbor2.dumps(["x"] * (size // 2)),
        "numbers": lambda size: b"\xc2\x59" + size.to_bytes(2) + b"\xff" * size,
        "distinct keys": lambda size: cbor2.dumps(dict.fromkeys(range(size // 4), 0)),
    }
    [credential] = authenticator.credentials
    right = authenticator.created(credential, b64(CHALLENGE))

    def cost(raw: bytes) -> float:
        response = {**right, "response": {**right["response"], "attestationObject": b64(raw)}}
        best = 1.0
        for _ in range(5):
            began = time.process_time()
            with pytest.raises(PasskeyRejected):
                created(response)
            best = min(best, time.process_time() - began)
        return best

    for name, make in worst.items():
        assert cost(make(12_000)) < 0.02 + 4 * cost(make(6_000)), name
        # What is longer than any answer is not read at all.
        assert cost(make(60_000)) < 0.002, name


NOT_TEXT: list[Any] = [None, 5, 1.5, True, [], ["a"], {}, {"a": "b"}]
NOT_BASE64 = ["!", "a b", "é", "a=", "=", "a", "\0", "\ud800", "+/==", "A" * 20_000, "🦊"]


@pytest.mark.parametrize("ceremony", ["creation", "assertion"])
@pytest.mark.parametrize("value", [*NOT_TEXT, *NOT_BASE64], ids=repr)
def test_every_field_refuses_what_it_is_not(authenticator, ceremony, value):
    """Each alone; those that are not read take anything."""
    [credential] = authenticator.credentials
    make = authenticator.created if ceremony == "creation" else authenticator.shown
    key = cbor2.dumps(cose(credential.key, ES256))
    check = created if ceremony == "creation" else lambda response: shown(response, key)
    read = {
        "creation": {"id", "rawId", "type", "response", "clientDataJSON", "attestationObject"},
        "assertion": {"id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature"},
    }[ceremony]
    for name in make(credential, b64(CHALLENGE)):
        response = {**make(credential, b64(CHALLENGE)), name: value}
        if name in read:
            assert cause_of(check, response) == MALFORMED
        else:
            check(response)
    for name in make(credential, b64(CHALLENGE))["response"]:
        response = make(credential, b64(CHALLENGE))
        response["response"][name] = value
        if name in read or (name == "userHandle" and value is not None):
            assert cause_of(check, response) == MALFORMED
        else:
            check(response)


@pytest.mark.parametrize("value", [*NOT_TEXT, "text"], ids=repr)
def test_an_answer_that_is_none(value):
    """Of any type."""
    assert cause_of(created, value) == MALFORMED
    assert cause_of(shown, value, b"") == MALFORMED
    assert cause_of(credential_id_of, value) == MALFORMED


def test_the_id_is_that_of_the_data(authenticator):
    """Another one next to it counts for nothing."""
    [credential] = authenticator.credentials
    response = authenticator.created(credential, b64(CHALLENGE))
    other = b64(b"another id of thirty-two bytes!!")

    assert cause_of(created, {**response, "id": other}) == MALFORMED
    assert cause_of(created, {**response, "id": other, "rawId": other}) == MALFORMED


CLIENT_DATA = {
    "no JSON": b"{",
    "a list": b"[]",
    "deep": b"[" * 3000,
    "deep objects": b'{"a":' * 600,
    "a huge number": b'{"type":' + b"9" * 3000,
    "not UTF-8": b"\xff\xfe\xfd",
    "the same key twice": b'{"type": "webauthn.create", "type": "webauthn.get"}',
    "a lone surrogate": rb'{"type": "\ud800", "challenge": "\ud800", "origin": "\ud800"}',
    "NUL": b'{"type": "\\u0000"}',
}


@pytest.mark.parametrize("name", CLIENT_DATA)
def test_client_data_of_any_kind(authenticator, name):
    """It is a stranger's JSON in base64url."""
    response = authenticator.created(authenticator.credentials[0], b64(CHALLENGE))
    response["response"]["clientDataJSON"] = b64(CLIENT_DATA[name])

    assert cause_of(created, response)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (["usb", "nfc", "usb", "smart-card"], ["usb", "nfc", "smart-card"]),
        (["made up", 5, None, {}, ["usb"]], []),
        ("usb", []),
        (None, []),
        (["x"] * 10_000 + ["usb"], []),
    ],
)
def test_only_known_transports_are_kept(authenticator, told, kept):
    """They are sent back in later options."""
    response = authenticator.created(authenticator.credentials[0], b64(CHALLENGE))
    response["response"]["transports"] = told

    assert created(response).transports == kept


@pytest.mark.parametrize(
    ("told", "discoverable"),
    [
        ({"credProps": {"rk": True}}, True), ({"credProps": {"rk": False}}, False), ({}, None), (None, None),
        ({"credProps": {"rk": "yes"}}, None), ({"credProps": []}, None), ("credProps", None),
    ],
)  # fmt: skip
def test_whether_it_is_discoverable(authenticator, told, discoverable):
    """As far as the browser says."""
    response = authenticator.created(authenticator.credentials[0], b64(CHALLENGE))
    response["clientExtensionResults"] = told

    assert created(response).discoverable is discoverable


def test_an_unknown_passkey_is_told_apart_for_the_authenticator():
    """A front end may signal it as unknown, and only then."""
    assert UNKNOWN == ("response", "id")


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=8,
)
NAMES = ("id", "rawId", "type", "response", "clientExtensionResults", "authenticatorAttachment")
PARTS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "transports")


@pytest.fixture(scope="module")
def right_answers() -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """One to each ceremony, always the same, and the public key."""
    authenticator = Authenticator(origin="https://example.org")
    credential = credential_of(Ed25519PrivateKey.from_private_bytes(CHALLENGE), EDDSA)
    key = cbor2.dumps(cose(credential.key, EDDSA))
    return authenticator.created(credential, b64(CHALLENGE)), authenticator.shown(credential, b64(CHALLENGE)), key


@settings(max_examples=200)
@given(data=strategies.data())
def test_whatever_an_answer_is_made_of(right_answers, data):
    """S80: any JSON at any place, and right answers with some bytes changed: accepted, or refused as documented."""
    creation, assertion, key = right_answers
    is_creation = data.draw(strategies.booleans())
    response = copy.deepcopy(creation if is_creation else assertion)
    for _ in range(data.draw(strategies.integers(1, 3))):
        change(response, data)
    with contextlib.suppress(PasskeyRejected):
        if is_creation:
            created(response)
        else:
            shown(response, key)


def change(response: dict[str, Any], data: strategies.DataObject) -> None:
    """Change one place of the answer."""
    place = data.draw(strategies.sampled_from(NAMES + PARTS))
    inner = response["response"] if isinstance(response["response"], dict) else {}
    target = inner if place in PARTS else response
    old = target.get(place)
    if (
        place in PARTS
        and isinstance(old, str)
        and old
        and BASE64URL.fullmatch(old)
        and data.draw(strategies.booleans())
    ):
        raw = bytearray(unb64(old))
        for _ in range(data.draw(strategies.integers(1, 4)) if raw else 0):
            raw[data.draw(strategies.integers(0, len(raw) - 1))] = data.draw(strategies.integers(0, 255))
        target[place] = b64(bytes(raw))
    else:
        target[place] = data.draw(JSON)
