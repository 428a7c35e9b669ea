"""Passkeys: ceremonies, what they belong to, and what an answer changes (S76)."""

import json
import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.errors import InvalidChallenge
from accounts.factors import sealing, webauthn
from accounts.factors.errors import PasskeyRejected
from accounts.factors.models import FactorReset, Passkey
from accounts.factors.webauthn import Ceremony, PasskeyPurpose
from accounts.shared import clock
from accounts.shared.models import SpentCredential
from tests.authenticator import EDDSA, ES256, RS256, Authenticator, b64, unb64
from tests.factories import make_account

pytestmark = pytest.mark.django_db
SIGN_IN, SECOND_FACTOR, REAUTHENTICATION = PasskeyPurpose


def added(account, authenticator, **how) -> Passkey:
    """A passkey that the authenticator has made."""
    ceremony = webauthn.begin_registration(account, bound_to="here", **how)
    return answered(account, ceremony, authenticator.create(ceremony.options))


@transaction.atomic
def answered(account, ceremony: Ceremony, response, *, bound_to="here") -> Passkey:
    """The passkey of this answer."""
    return webauthn.verify_registration(ceremony.token, response, account=account, bound_to=bound_to, name="Phone")


def asked(purpose=SIGN_IN, account=None) -> Ceremony:
    """A ceremony to use a passkey."""
    return webauthn.begin_assertion(purpose, account=account, bound_to="here")


@transaction.atomic
def shown(ceremony: Ceremony, response, *, purpose=SIGN_IN, account=None, bound_to="here") -> Passkey:
    """The passkey of this answer."""
    return webauthn.verify_assertion(ceremony.token, response, purpose, account=account, bound_to=bound_to)


def used(authenticator, purpose=SIGN_IN, account=None) -> Passkey:
    """Use the authenticator's last passkey."""
    ceremony = asked(purpose, account)
    return shown(ceremony, authenticator.get(ceremony.options), purpose=purpose, account=account)


def cause_of(function, *args, **kwargs) -> str:
    """Why the answer is rejected."""
    with pytest.raises(PasskeyRejected) as refusal:
        function(*args, **kwargs)
    return refusal.value.cause.removeprefix("PASSKEY_REJECTED: ")


@pytest.fixture
def authenticator() -> Authenticator:
    """One that counts."""
    return Authenticator(counts=True)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
@pytest.mark.parametrize("purpose", PasskeyPurpose)
def test_a_passkey_is_made_and_used(account, algorithm, purpose):
    """With each algorithm, for each purpose; the holder of a sign-in is found by the passkey."""
    authenticator = Authenticator(algorithm=algorithm, counts=True)
    passkey = added(account, authenticator)

    found = used(authenticator, purpose, None if purpose is SIGN_IN else account)

    assert (found, found.account) == (passkey, account)
    assert found.sign_count == passkey.sign_count + 1
    assert found.last_used_at


def test_the_options_of_a_registration(account, authenticator):
    """No attestation; the user handle tells nothing; what the account has is excluded; credProps is asked for."""
    first = added(account, authenticator)

    options = webauthn.begin_registration(account, bound_to="here").options

    assert options["rp"] == {"id": "localhost", "name": "Latchkey"}
    assert options["user"]["id"] == webauthn.user_handle_of(account) == b64(account.pk.bytes)
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [EDDSA, ES256, RS256]
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"] == {
        "residentKey": "preferred",
        "requireResidentKey": False,
        "userVerification": "preferred",
    }
    assert options["excludeCredentials"] == [
        {"id": first.credential_id, "type": "public-key", "transports": ["internal", "hybrid"]}
    ]
    assert options["extensions"] == {"credProps": True}
    assert options["timeout"] == 300_000
    assert len(unb64(options["challenge"])) == 32


def test_the_options_of_an_assertion(account, authenticator):
    """A sign-in names nobody's passkeys. Only a second factor need not verify its user."""
    passkey = added(account, authenticator)

    assert asked().options["allowCredentials"] == []
    for purpose in (SECOND_FACTOR, REAUTHENTICATION):
        named = [one["id"] for one in asked(purpose, account).options["allowCredentials"]]
        assert named == [passkey.credential_id]
    verification = {purpose: asked(purpose, account).options["userVerification"] for purpose in PasskeyPurpose}
    assert verification == {SIGN_IN: "required", SECOND_FACTOR: "discouraged", REAUTHENTICATION: "required"}


def test_a_token_tells_nothing(account):
    """It is sealed: neither the challenge nor the account can be read in it."""
    ceremony = webauthn.begin_registration(account, bound_to="here")

    text = json.dumps([ceremony.token, unb64(ceremony.token).decode("latin-1")])
    assert str(account.pk) not in text
    assert ceremony.options["challenge"] not in text
    assert ceremony.token not in repr(ceremony)


def test_asking_stores_nothing(account):
    """S76: ceremonies are stateless, so that a flood of them costs no row."""
    for purpose in PasskeyPurpose:
        asked(purpose, account)
    webauthn.begin_registration(account, bound_to="here")

    assert not SpentCredential.objects.exists()


def test_a_ceremony_is_answered_once(account, authenticator):
    """S76: neither a passkey is made nor a session begun a second time."""
    creation = webauthn.begin_registration(account, bound_to="here")
    response = authenticator.create(creation.options)
    answered(account, creation, response)
    Passkey.objects.all().delete()
    with pytest.raises(InvalidChallenge):
        answered(account, creation, response)
    assert not Passkey.objects.exists()

    added(account, authenticator)
    assertion = asked()
    shown(assertion, authenticator.get(assertion.options))
    with pytest.raises(InvalidChallenge):
        shown(assertion, authenticator.get(assertion.options))


def test_a_rejected_answer_does_not_spend_the_ceremony(account, authenticator):
    """A person who takes the wrong passkey first need not begin anew."""
    added(account, authenticator)
    ceremony = asked()

    assert cause_of(shown, ceremony, authenticator.with_(uv=False).get(ceremony.options)) == "user not verified"

    assert shown(ceremony, authenticator.get(ceremony.options))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_of_two_answers_at_once_one_counts(account):
    """S76: the same answer twice, in two transactions at the same time."""
    authenticator = Authenticator()
    added(account, authenticator)
    ceremony = asked()
    response = authenticator.get(ceremony.options)
    outcomes, barrier = [], threading.Barrier(4)

    def answer() -> None:
        barrier.wait()
        try:
            outcomes.append(shown(ceremony, response).account)
        except InvalidChallenge:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (outcomes.count(account), outcomes.count(None)) == (1, 3)


def test_a_ceremony_expires(account, authenticator, monkeypatch):
    """After five minutes, also if it was never answered."""
    added(account, authenticator)
    creation, assertion = webauthn.begin_registration(account, bound_to="here"), asked()
    later = clock.now() + timedelta(seconds=301)
    monkeypatch.setattr(clock, "now", lambda: later)

    with pytest.raises(InvalidChallenge):
        answered(account, creation, Authenticator().create(creation.options))
    with pytest.raises(InvalidChallenge):
        shown(assertion, authenticator.get(assertion.options))


@pytest.mark.parametrize("begun", PasskeyPurpose)
@pytest.mark.parametrize("answered_as", PasskeyPurpose)
def test_an_answer_counts_for_one_purpose(account, authenticator, begun, answered_as):
    """S76: every pair of them; each ceremony names the account, so that nothing else is in the way."""
    added(account, authenticator)
    ceremony = asked(begun, account)
    response = authenticator.get(ceremony.options)

    if begun is answered_as:
        assert shown(ceremony, response, purpose=answered_as, account=account)
    else:
        with pytest.raises(InvalidChallenge):
            shown(ceremony, response, purpose=answered_as, account=account)
        assert not Passkey.objects.get().last_used_at


def test_a_token_of_another_kind_is_none(account, authenticator):
    """Neither that of a registration where an assertion is due, nor the reverse."""
    added(account, authenticator)
    creation, assertion = webauthn.begin_registration(account, bound_to="here"), asked(SECOND_FACTOR, account)

    with pytest.raises(InvalidChallenge):
        shown(creation, authenticator.get(assertion.options), purpose=SECOND_FACTOR, account=account)
    with pytest.raises(InvalidChallenge):
        answered(account, assertion, Authenticator().create(creation.options))


@pytest.mark.parametrize("stored", ["JBSWY3DPEHPK3PXP" * 2, "0123456789" * 6, "f" * 64, "5", '"text"'])
def test_what_is_sealed_for_the_database_is_no_token(account, authenticator, stored):
    """S76: a copy of the database holds nothing that could be sent as a token, and such a call is no server error."""
    added(account, authenticator)
    ceremony = asked()
    response = authenticator.get(ceremony.options)

    with pytest.raises(InvalidChallenge):
        shown(replace(ceremony, token=sealing.seal(stored)), response)


@pytest.mark.parametrize("change", ["another account", "another session", "no account"])
def test_a_ceremony_belongs_to_who_began_it(account, authenticator, change):
    """S70, S76: neither another account nor another session, client or challenge can finish it."""
    added(account, authenticator)
    ceremony = asked(SECOND_FACTOR, account)
    creation = webauthn.begin_registration(account, bound_to="here")
    who = {"another account": make_account(), "another session": account, "no account": None}[change]
    where = "there" if change == "another session" else "here"
    response = authenticator.get(ceremony.options)

    with pytest.raises(InvalidChallenge):
        shown(ceremony, response, purpose=SECOND_FACTOR, account=who, bound_to=where)
    if who is not None:
        with pytest.raises(InvalidChallenge):
            answered(who, creation, Authenticator().create(creation.options), bound_to=where)


def test_only_an_enrollment_has_a_challenge(account):
    """`addPasskey` finds the account of whoever has no session yet by it."""
    by_session = webauthn.begin_registration(account, bound_to="here")
    by_challenge = webauthn.begin_registration(account, bound_to="digest", by_challenge=True)

    assert webauthn.enrollment_of(by_challenge.token) == "digest"
    for token in (by_session.token, asked().token, "x", "", "é"):
        with pytest.raises(InvalidChallenge):
            webauthn.enrollment_of(token)


@pytest.mark.parametrize(
    ("was", "now", "fine"),
    [(0, 0, True), (0, 1, True), (5, 6, True), (5, 100, True), (5, 5, False), (5, 4, False), (5, 0, False)],
)
def test_the_counter_never_goes_back(account, was, now, fine):
    """§6.1.1: both zero is an authenticator that does not count. Of a passkey that was copied, one is found out."""
    authenticator = Authenticator()
    passkey = added(account, authenticator)
    Passkey.objects.update(sign_count=was)
    authenticator.credentials[0].sign_count = now

    if fine:
        assert used(authenticator).sign_count == now
    else:
        assert cause_of(used, authenticator) == "counter went back"
        passkey.refresh_from_db()
        assert (passkey.sign_count, passkey.last_used_at) == (was, None)


def test_a_forged_counter_raises_no_alarm(account, authenticator):
    """S74: operators read that a counter went back only where the signature was right."""
    added(account, authenticator)
    Passkey.objects.update(sign_count=99)
    ceremony = asked()
    response = authenticator.get(ceremony.options)
    response["response"]["signature"] = b64(b"made up")

    assert cause_of(shown, ceremony, response) == "wrong signature"


def test_the_user_handle_is_the_accounts(account, authenticator):
    """§7.2 step 6: a sign-in needs it, and no passkey signs in to another account."""
    added(account, authenticator)

    assert cause_of(used, authenticator.with_(user_handle=b"")) == "no user handle"
    stranger = authenticator.with_(user_handle=make_account().pk.bytes)
    assert cause_of(used, stranger) == "user handle of another account"
    assert cause_of(used, stranger, SECOND_FACTOR, account) == "user handle of another account"
    assert used(authenticator.with_(user_handle=b""), SECOND_FACTOR, account)


def test_a_passkey_of_somebody_else_is_no_factor(account, authenticator):
    """Though its answer is right."""
    other, theirs = make_account(), Authenticator()
    added(account, authenticator)
    added(other, theirs)
    ceremony = asked(SECOND_FACTOR, account)
    response = theirs.shown(theirs.credentials[0], ceremony.options["challenge"])

    assert cause_of(shown, ceremony, response, purpose=SECOND_FACTOR, account=account) == "unknown"


def test_a_removed_passkey_is_unknown(account, authenticator):
    """The failure says so by its field, for the authenticator."""
    added(account, authenticator).delete()
    ceremony = asked()

    with pytest.raises(PasskeyRejected) as refusal:
        shown(ceremony, authenticator.get(ceremony.options))
    assert refusal.value.field == ("response", "id")


def test_a_passkey_of_factors_that_were_reset_is_unknown(account, authenticator):
    """S79: from the moment on at which the reset takes effect, also while the row is still there."""
    added(account, authenticator)
    now = clock.now()
    reset = FactorReset.objects.create(account=account, reason="lost", effective_at=now + timedelta(hours=1))
    assert used(authenticator)
    assert webauthn.can_sign_in(account)

    FactorReset.objects.filter(pk=reset.pk).update(effective_at=now - timedelta(seconds=1))

    assert cause_of(used, authenticator) == "unknown"
    assert not webauthn.can_sign_in(account)


def test_a_passkey_is_registered_once(account, authenticator):
    """§7.1 step 26: neither for another account nor for the same."""
    passkey = added(account, authenticator)
    [credential] = authenticator.credentials
    for somebody in (account, make_account()):
        ceremony = webauthn.begin_registration(somebody, bound_to="here")
        response = authenticator.created(credential, ceremony.options["challenge"])
        assert cause_of(answered, somebody, ceremony, response) == "already registered"

    assert Passkey.objects.get() == passkey


@pytest.mark.parametrize(
    ("how", "can"),
    [
        ({}, True),
        ({"uv": False}, False),
        ({"discoverable": False}, False),
        ({"cred_props": False}, True),
        ({"discoverable": False, "cred_props": False}, True),
    ],
)
def test_whether_it_signs_in_by_itself(account, how, can):
    """Discoverable, as far as the browser says, and with its user verified."""
    assert added(account, Authenticator(**how)).can_sign_in is can


def test_one_that_was_made_automatically_signs_in(account):
    """Conditional create: by password managers, which keep discoverable ones, though nobody was asked."""
    passkey = added(account, Authenticator(uv=False, up=False), automatic=True)

    assert passkey.can_sign_in


def test_somebody_is_there_when_one_is_made_otherwise(account):
    """The ceremony says which it is, not the answer."""
    ceremony = webauthn.begin_registration(account, bound_to="here")

    assert cause_of(answered, account, ceremony, Authenticator(up=False).create(ceremony.options)) == "user not present"
    assert not Passkey.objects.exists()


def test_a_sign_in_shows_that_it_can(account, authenticator):
    """A security key whose PIN was set later. As a second factor it shows nothing."""
    passkey = added(account, authenticator.with_(uv=False))
    used(authenticator, SECOND_FACTOR, account)
    passkey.refresh_from_db()
    assert not passkey.can_sign_in

    used(authenticator)

    passkey.refresh_from_db()
    assert passkey.can_sign_in


def test_whether_it_is_synced_is_kept_and_followed(account, authenticator):
    """§6.1.3: the state may change, the eligibility may not."""
    passkey = added(account, authenticator.with_(bs=False))
    assert (passkey.backup_eligible, passkey.backed_up) == (True, False)

    assert used(authenticator.with_(bs=True)).backed_up
    assert not used(authenticator.with_(bs=False)).backed_up
    assert cause_of(used, authenticator.with_(be=False, bs=False)) == "backup eligibility changed"


def test_what_is_stored(account):
    """As the authenticator said it."""
    model = uuid.uuid4()
    authenticator = Authenticator(aaguid=model.bytes, transports=("usb", "nfc"), counts=True)

    passkey = added(account, authenticator)

    passkey.refresh_from_db()
    assert passkey.aaguid == model
    assert passkey.transports == ["usb", "nfc"]
    assert passkey.sign_count == 1
    assert passkey.name == "Phone"
    assert passkey.credential_id == b64(authenticator.credentials[0].id)
