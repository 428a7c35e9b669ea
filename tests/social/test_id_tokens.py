"""S29, S35: whose ID token is taken. Every key, signature and socket is real; the server is a local one."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import SIGNATURES
from accounts.errors import Required
from accounts.people.models import Account
from accounts.shared.models import SpentCredential
from accounts.social.errors import CredentialNotSupported, ProviderRejected, ProviderUnavailable
from accounts.social.flows import create_nonce
from accounts.social.links import SignInMethod, sign_in_methods
from accounts.social.providers import keys
from tests.providers import faults
from tests.providers.keys import key
from tests.providers.registrations import APPLE_APP, CORP_CLIENT, GOOGLE_ANDROID_CLIENT, GOOGLE_CLIENT, TENANT
from tests.providers.stored import nothing_changes
from tests.social.identifying import identify

pytestmark = pytest.mark.django_db

PROVIDERS = {
    "google-oauth2": "google",
    "apple-id": "apple",
    "facebook": "facebook-login",
    "microsoft": "microsoft",
    "corp": "openid",
}
ID_TOKEN = ("credential", "id_token")
NAMED = {"given_name": "Ada"}
"""What Apple's tokens do not say."""


def token_of(providers, provider: str, **changes: Any) -> str:
    """A good one."""
    return providers[PROVIDERS[provider]].id_token(**{**NAMED, **changes})


def segment(content: Any) -> str:
    """Base64url of JSON."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def publish(providers, *jwks: dict[str, Any]) -> None:
    """These keys, in place of the provider's own."""
    body = json.dumps({"keys": jwks}).encode()
    providers.faults["jwks"] = lambda handler, _status, _body: handler.reply(200, body)


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """All but one."""
    return {field: value for field, value in fields.items() if field != name}


def refused(
    id_token: str, *, provider: str = "corp", nonce: str | None = None, field: tuple[str, ...] = ID_TOKEN
) -> ProviderRejected:
    """The refusal; nothing is stored, and nobody signed in."""
    with nothing_changes(), pytest.raises(ProviderRejected) as refusal:
        identify(provider=provider, id_token=id_token, nonce=nonce)
    assert refusal.value.field == field
    return refusal.value


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_id_token_signs_in(providers, provider):
    """One identity for each provider."""
    identified = identify(provider=provider, id_token=token_of(providers, provider))

    assert identified.is_new
    assert identified.account.email == "ada@example.com"
    assert UserSocialAuth.objects.get().provider == provider


@pytest.mark.parametrize("provider", ["google-oauth2", "facebook", "corp"])
def test_it_is_the_same_person_by_either_token(providers, provider):
    """One back end and one identity, whichever credential came."""
    person = identify(provider=provider, id_token=token_of(providers, provider)).account
    access_token = {
        "google-oauth2": providers.google_token,
        "facebook": providers.facebook_token,
        "corp": providers["openid"].access_token,
    }[provider]()

    again = identify(provider=provider, access_token=access_token)

    assert (again.account, again.is_new) == (person, False)


@pytest.mark.parametrize(
    ("provider", "verified"),
    [("google-oauth2", True), ("apple-id", True), ("facebook", False), ("microsoft", False), ("corp", True)],
)
def test_whose_word_on_an_address_counts(providers, provider, verified):
    """S32: Apple says "true"; Facebook and Microsoft do not say."""
    assert identify(provider=provider, id_token=token_of(providers, provider)).account.email_verified is verified


@pytest.mark.parametrize(("claim", "verified"), [(True, True), (1, True), ("1", True), (False, False), ("no", False)])
def test_microsoft_vouches_where_the_tenant_owns_the_domain(providers, claim, verified):
    """`xms_edov`; `email_verified` is not Microsoft's, and an administrator can add any claim."""
    token = token_of(providers, "microsoft", xms_edov=claim, email_verified=True)

    assert identify(provider="microsoft", id_token=token).account.email_verified is verified


# The negative matrix of S29

WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": "https://evil.example"},
    {"iss": None},
    {"iss": ""},
    {"aud": "another-client"},
    {"aud": None},
    {"aud": ""},
    {"aud": []},
    {"aud": [CORP_CLIENT, "another-client"]},
    {"aud": CORP_CLIENT.upper()},
    {"aud": [CORP_CLIENT, "another-client"], "azp": "another-client"},
    {"aud": ["another-client"], "azp": CORP_CLIENT},
    {"aud": [CORP_CLIENT, 7], "azp": CORP_CLIENT},
    {"aud": {"a": 1}},
    {"azp": "another-client"},
    {"azp": ""},
    {"azp": ["corp-client"]},
    {"exp": None},
    {"exp": 1},
    {"exp": "soon"},
    {"exp": "4102444800"},
    {"exp": [4102444800]},
    {"exp": float("inf")},
    {"iat": None},
    {"iat": 1},
    {"iat": 4102444800},
    {"iat": "x"},
    {"iat": float("inf")},
    {"iat": True},
    {"nbf": 4102444800},
    {"nbf": "1"},
    {"sub": None},
    {"sub": ""},
    {"sub": "   "},
    {"sub": 7},
    {"sub": "x" * 256},
    {"sub": "a\0b"},
    {"sub": "é"},
    {"sub": ["x"]},
]


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=str)
def test_each_claim_altered_or_missing_is_refused(providers, claims):
    """S29."""
    refused(providers["openid"].id_token(**claims))


def test_the_matrix_begins_from_a_good_token(providers):
    """Or it would show nothing."""
    assert identify(provider="corp", id_token=providers["openid"].id_token()).is_new


@pytest.mark.parametrize("seconds", [-31, -3600])
def test_an_expired_one_is_refused(providers, seconds):
    """S29: after the leeway."""
    now = int(time.time())
    refused(providers["openid"].id_token(iat=now - 60, exp=now + seconds))


def test_one_issued_long_ago_is_refused(providers, settings):
    """S29: `iat`, however long the provider lets it live."""
    refused(providers["openid"].id_token(iat=int(time.time()) - settings.LATCHKEY.id_token_max_age - 60))


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "secevent+jwt", "application/at+jwt", "AT+JWT"])
def test_a_jwt_of_another_type_is_refused(providers, typ):
    """RFC 8725 §3.11: what the provider signs for other purposes."""
    refused(providers["openid"].id_token(header={"typ": typ}))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "JOSE", None])
def test_an_id_token_may_say_that_it_is_a_jwt_or_not(providers, typ):
    """OpenID Connect Core asks for no type."""
    assert identify(provider="corp", id_token=providers["openid"].id_token(header={"typ": typ})).is_new


@pytest.mark.parametrize("times", [{"iat": str}, {"exp": str}, {"iat": float, "exp": float}], ids=str)
def test_times_are_numbers(providers, times):
    """OpenID Connect Core §2: JSON numbers, with a fraction too; the right time as text is none."""
    now = {"iat": int(time.time()), "exp": int(time.time()) + 60}
    token = providers["openid"].id_token(**{name: form(now[name]) for name, form in times.items()})

    if str in times.values():
        assert "no number" in refused(token).hint
    else:
        assert identify(provider="corp", id_token=token).is_new


def test_a_logout_token_is_refused(providers):
    """OpenID Connect Back-Channel Logout §2.4: it may come without a type."""
    events = {"http://schemas.openid.net/event/backchannel-logout": {}}

    refused(providers["openid"].id_token(events=events))


@pytest.mark.parametrize("azp", [{}, {"azp": CORP_CLIENT}], ids=str)
def test_an_audience_in_a_list_is_one(providers, azp):
    """OpenID Connect Core §2."""
    assert identify(provider="corp", id_token=providers["openid"].id_token(aud=[CORP_CLIENT], **azp)).is_new


def test_an_audience_beside_ours_is_trusted_where_the_party_is_us(providers):
    """OpenID Connect Core §3.1.3.7: as Zitadel adds the project of its client."""
    token = providers["openid"].id_token(aud=[CORP_CLIENT, "project-7"], azp=CORP_CLIENT)

    assert identify(provider="corp", id_token=token).is_new


@pytest.mark.parametrize("party", [{}, {"azp": None}], ids=str)
def test_several_audiences_of_ours_need_no_party(providers, party):
    """OpenID Connect Core §3.1.3.7: each is trusted."""
    token = providers["google"].id_token(aud=[GOOGLE_CLIENT, GOOGLE_ANDROID_CLIENT], **party)

    assert identify(provider="google", id_token=token).is_new


@pytest.mark.parametrize(("provider", "client"), [("google", GOOGLE_ANDROID_CLIENT), ("apple", APPLE_APP)])
def test_each_of_our_client_ids_is_us(providers, provider, client):
    """The web, Android and iOS."""
    azp = {"azp": client} if provider == "google" else {}

    assert identify(provider=provider, id_token=providers[provider].id_token(aud=client, **azp, **NAMED)).is_new


def test_a_token_that_is_not_signed_is_refused(providers):
    """S29: `alg: none`, with and without something in place of a signature."""
    claims = providers["openid"].claims()
    for algorithm in ("none", "None", "NONE"):
        for signature in ("", "x", "AA"):
            token = f"{segment({'alg': algorithm, 'kid': 'openid:rs'})}.{segment(claims)}.{signature}"
            refused(token)


@pytest.mark.parametrize("secret", ["pem", "jwk", "empty"])
def test_the_public_key_is_no_secret(providers, secret):
    """S29: HS256 keyed with what everybody can read."""
    issuer = providers["openid"]
    secrets = {
        "pem": issuer.keys[0].public_pem,
        "jwk": json.dumps(issuer.keys[0].jwk).encode(),
        "empty": b"",
    }
    signed = f"{segment({'alg': 'HS256', 'kid': 'openid:rs'})}.{segment(issuer.claims())}"
    mac = base64.urlsafe_b64encode(hmac.new(secrets[secret], signed.encode(), hashlib.sha256).digest()).rstrip(b"=")

    refused(f"{signed}.{mac.decode()}")


@pytest.mark.parametrize("algorithm", SIGNATURES)
def test_the_provider_pins_the_algorithms(providers, reconfigure, algorithm):
    """S29, RFC 8725 §3.1: by setting; RS256 and ES256 without one."""
    signer = key(f"signer {algorithm}", algorithm)
    providers["openid"].keys = [signer]
    for pinned in (("RS256", "ES256"), tuple(set(SIGNATURES) - {algorithm}), (algorithm,)):
        reconfigure("corp", algorithms=pinned)
        token = providers["openid"].id_token(signed_by=signer, jti=str(pinned))
        if algorithm in pinned:
            assert identify(provider="corp", id_token=token)
        else:
            assert "signed with" in refused(token).hint


def test_each_algorithm_that_can_be_set_has_its_type_of_key():
    """And none of HMAC is among them, whatever is configured (`test_no_setting_makes_a_public_key_a_secret`)."""
    assert tuple(keys.KEY_TYPES) == SIGNATURES


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_no_setting_makes_a_public_key_a_secret(providers, reconfigure, algorithm):
    """S29: not even one that a check should have refused."""
    reconfigure("corp", algorithms=(algorithm,))
    issuer = providers["openid"]
    secret = {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "openid:rs"}
    issuer_keys = json.dumps({"keys": [secret]}).encode()
    providers.faults["jwks"] = lambda handler, _status, _body: handler.reply(200, issuer_keys)
    signing = base64.urlsafe_b64decode(secret["k"]) if algorithm == "HS256" else None

    refused(jwt.encode(issuer.claims(), signing, algorithm=algorithm, headers={"kid": "openid:rs"}))


@pytest.mark.parametrize("published", ["RS256", None])
def test_a_key_that_names_its_algorithm_is_for_no_other(providers, reconfigure, published):
    """RFC 7517 §4.4: one that names none is for all of its type."""
    reconfigure("corp", algorithms=("RS256", "PS256"))
    signer = key("openid:rs")
    publish(providers, {**signer.jwk, "alg": published} if published else without(signer.jwk, "alg"))
    token = replace(signer, algorithm="PS256").sign(providers["openid"].claims())

    if published:
        refused(token)
    else:
        assert identify(provider="corp", id_token=token).is_new


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "HS512"])
def test_another_algorithm_than_the_pinned_is_refused(providers, algorithm):
    """S29: even with the right key."""
    issuer = providers["openid"]
    private: Any = issuer.keys[0].private if algorithm != "HS512" else "a secret of sixty-four characters " * 2

    refused(jwt.encode(issuer.claims(), private, algorithm=algorithm, headers={"kid": "openid:rs"}))


@pytest.mark.parametrize("kid", ["openid:rs", "openid:es", "another"])
def test_a_wrong_key_is_refused(providers, kid):
    """S29: under the id of a published key, and under its own."""
    refused(providers["openid"].id_token(signed_by=replace(key("another"), kid=kid)))


def test_a_key_of_another_kind_is_refused(providers):
    """The key's algorithm is pinned too: an RS256 token that names the elliptic key."""
    refused(providers["openid"].id_token(header={"kid": "openid:es"}))


@pytest.mark.parametrize("kid", [None, "", 7, "unknown"])
def test_a_key_has_to_be_named(providers, kid):
    """S29: `kid`, from the pinned set."""
    issuer = providers["openid"]
    header = {"alg": "RS256", **({} if kid is None else {"kid": kid})}
    signed = f"{segment(header)}.{segment(issuer.claims())}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signed.encode(), issuer.keys[0].private
    )

    refused(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def test_a_key_that_stands_alone_need_not_be_named(providers):
    """OpenID Connect Core §10.1: `kid` has to be there where the set has several keys."""
    issuer = providers["openid"]
    issuer.keys = issuer.keys[:1]

    assert identify(provider="corp", id_token=issuer.id_token(header={"kid": None})).is_new
    attacker = key("attacker").sign(issuer.claims(), kid=None)
    assert "unknown key" in refused(attacker).hint


@pytest.mark.parametrize("named", [True, False])
def test_a_set_of_one_key_need_not_name_it_either(providers, named):
    """RFC 7517 §4.5: `kid` is optional, also where the token has one."""
    issuer = providers["openid"]
    publish(providers, without(issuer.keys[0].jwk, "kid"))

    assert identify(provider="corp", id_token=issuer.id_token(header={} if named else {"kid": None})).is_new


def test_a_new_key_without_a_name_is_found(providers, settings):
    """Rotation: a signature that is not by the known key makes us look again, once a minute at most."""
    issuer = providers["openid"]
    settings.LATCHKEY = replace(settings.LATCHKEY, jwks_refetch_interval=0)
    issuer.keys = issuer.keys[:1]
    identify(provider="corp", id_token=issuer.id_token(header={"kid": None}))
    issuer.rotate("two")
    assert not identify(provider="corp", id_token=issuer.id_token(header={"kid": None}, jti="2")).is_new

    settings.LATCHKEY = replace(settings.LATCHKEY, jwks_refetch_interval=60)
    providers.asked.clear()
    for number in range(20):
        refused(key("attacker").sign(issuer.claims(jti=str(number)), kid=None))
    assert len(providers.asked) <= 1


def test_keys_of_two_types_may_share_a_name(providers):
    """RFC 7517 §4.5."""
    elliptic = key("openid:es", "ES256")
    publish(providers, elliptic.jwk | {"kid": "one"}, key("openid:rs").jwk | {"kid": "one"})

    for signer in (elliptic, key("openid:rs")):
        token = replace(signer, kid="one").sign(providers["openid"].claims())
        assert identify(provider="corp", id_token=token)


@pytest.mark.parametrize("parameter", ["jku", "jwk", "x5u", "x5c"])
def test_the_header_brings_no_key(providers, parameter):
    """S29: a key that the token itself names is not looked at, and nobody is asked for it."""
    attacker = key("attacker")
    header = {
        "jku": f"{providers.url}/evil/jwks",
        "jwk": attacker.jwk,
        "x5u": f"{providers.url}/evil/cert",
        "x5c": ["MIIB"],
    }
    refused(providers["openid"].id_token(signed_by=attacker, header={parameter: header[parameter]}))

    assert not [asked for asked in providers.asked if "evil" in asked.path]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_is_refused(providers, part):
    """A byte of the header, the content, the signature."""
    parts = providers["openid"].id_token().split(".")
    middle = len(parts[part]) // 2
    changed = "A" if parts[part][middle] != "A" else "B"
    parts[part] = f"{parts[part][:middle]}{changed}{parts[part][middle + 1 :]}"

    refused(".".join(parts))


@pytest.mark.parametrize(
    "junk",
    ["", "a", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "e30.e30.e30", "..", f"{'x' * 16385}", "a.b.c\n", "é.b.c"],
)
def test_what_is_no_token_goes_nowhere(providers, junk):
    """S36."""
    refused(junk)

    assert providers.asked == []


@pytest.mark.parametrize("groups", [100, 200, 400])
def test_a_long_one_is_taken_up_to_sixteen_kilobytes(providers, groups):
    """S36: real ones name a hundred groups. What is longer goes nowhere."""
    named = [f"0123abcd-{number:04}-4bcd-9e0f-abcdef012345" for number in range(groups)]
    token = providers["openid"].id_token(groups=named)

    if len(token) <= 16384:
        assert identify(provider="corp", id_token=token).is_new
    else:
        refused(token)
        assert providers.asked == []
    assert (len(token) <= 16384) == (groups < 400)


@pytest.mark.parametrize("content", ["[]", '"x"', "null", "{", "[" * 3000])
def test_a_signed_token_without_claims_is_refused(providers, content):
    """The provider's own signature on nonsense."""
    issuer = providers["openid"]
    header = segment({"alg": "RS256", "kid": "openid:rs"})
    signed = f"{header}.{base64.urlsafe_b64encode(content.encode()).rstrip(b'=').decode()}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signed.encode(), issuer.keys[0].private
    )

    refused(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def test_a_token_of_one_provider_is_none_of_another(providers):
    """Though both are real and for us."""
    refused(providers["openid"].id_token(aud=GOOGLE_CLIENT, azp=GOOGLE_CLIENT), provider="google")


@pytest.mark.parametrize("changes", [{"tid": None}, {"tid": "../evil"}, {"tid": "0" * 36}, {"tid": 7}, {"iss": "x"}])
def test_a_microsoft_token_is_by_the_tenant_that_it_names(providers, changes):
    """`common`: the issuer is a template."""
    refused(providers["microsoft"].id_token(**changes), provider="microsoft")


def test_a_single_microsoft_tenant_takes_no_other(providers, reconfigure):
    """Configured by its id."""
    microsoft = providers["microsoft"]
    microsoft.published_issuer = microsoft.person["iss"]
    microsoft.url = microsoft.person["iss"]
    reconfigure("microsoft", issuer=microsoft.person["iss"])
    other = "11111111-6c67-4c5b-b112-36a304b66dad"

    refused(microsoft.id_token(tid=other, iss=microsoft.person["iss"].replace(TENANT, other)), provider="microsoft")
    assert identify(provider="microsoft", id_token=microsoft.id_token()).is_new


def test_an_elliptic_key_signs_too(providers):
    """ES256."""
    token = providers["openid"].id_token(signed_by=key("openid:es", "ES256"))

    assert identify(provider="corp", id_token=token).is_new


@pytest.mark.parametrize("provider", ["github"])
def test_a_provider_without_id_tokens_takes_none(providers, provider):
    """GitHub."""
    with nothing_changes(), pytest.raises(CredentialNotSupported) as refusal:
        identify(provider=provider, id_token=providers["openid"].id_token())
    assert refusal.value.field == ("credential", "id_token")


# Once, and with its nonce


def test_it_is_taken_once(providers):
    """S35: remembered in the database, whatever becomes of the cache."""
    token = token_of(providers, "google-oauth2")
    identify(provider="google", id_token=token)
    cache.clear()

    assert "used before" in refused(token, provider="google").hint


def test_another_encoding_of_the_same_token_is_the_same_token(providers):
    """S35: an elliptic signature has a twin that is as good."""
    token = providers["openid"].id_token(signed_by=key("openid:es", "ES256"))
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(f"{signature}==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    twin_token = f"{signed}.{base64.urlsafe_b64encode(twin).rstrip(b'=').decode()}"
    jwt.decode(twin_token, key("openid:es", "ES256").public_pem, algorithms=["ES256"], audience=CORP_CLIENT)

    identify(provider="corp", id_token=token)

    assert "used before" in refused(twin_token).hint


def test_what_was_spent_is_forgotten_once_it_would_be_refused_anyway(providers, settings):
    """`clear_expired`; and not before."""
    identify(provider="corp", id_token=providers["openid"].id_token())
    call_command("clear_expired", verbosity=0)
    spent = SpentCredential.objects.get()
    assert spent.expires_at > timezone.now() + timedelta(seconds=settings.LATCHKEY.id_token_max_age + 30)

    SpentCredential.objects.update(expires_at=timezone.now())
    call_command("clear_expired", verbosity=0)
    assert not SpentCredential.objects.exists()


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_nonce_of_ours_is_found_in_the_token(providers, reconfigure, provider, hashed):
    """S35: as it is, or its SHA-256 in hex."""
    reconfigure(provider, nonce_required=True)
    nonce = create_nonce(provider)
    carried = hashlib.sha256(nonce.encode()).hexdigest() if hashed else nonce

    token = token_of(providers, provider, nonce=carried)

    assert identify(provider=provider, id_token=token, nonce=nonce).is_new


@pytest.mark.parametrize("carried", [None, "", "another", 7, ["x"]])
def test_a_token_with_another_nonce_is_refused(providers, carried):
    """S35: and neither is spent by it."""
    nonce = create_nonce("corp")

    refused(providers["openid"].id_token(nonce=carried), nonce=nonce)

    assert identify(provider="corp", id_token=providers["openid"].id_token(nonce=nonce), nonce=nonce).is_new


def test_a_nonce_is_taken_once(providers):
    """S35: also with another token."""
    nonce = create_nonce("corp")
    identify(provider="corp", id_token=providers["openid"].id_token(nonce=nonce), nonce=nonce)
    fresh = providers["openid"].id_token(nonce=nonce, jti="another")

    assert "used before" in refused(fresh, nonce=nonce).hint


@pytest.mark.parametrize("forged", ["made-up", "a.b.c", "x" * 5000])
def test_a_nonce_that_is_not_ours_is_refused(providers, forged):
    """S35: a challenge of this server's."""
    refused(providers["openid"].id_token(nonce=forged[:50]), nonce=forged, field=("nonce",))

    assert providers.asked == []


def test_a_nonce_for_another_provider_is_refused(providers):
    """S35."""
    nonce = create_nonce("google-oauth2")

    refused(providers["openid"].id_token(nonce=nonce), nonce=nonce, field=("nonce",))


def test_an_old_nonce_is_refused(providers, settings):
    """S35."""
    nonce = create_nonce("corp")
    settings.LATCHKEY = replace(settings.LATCHKEY, social_flow_lifetime=-1)

    refused(providers["openid"].id_token(nonce=nonce), nonce=nonce, field=("nonce",))


def test_where_a_nonce_is_required_a_token_without_one_is_refused(providers, reconfigure):
    """S35: and the field is told."""
    reconfigure("corp", nonce_required=True)

    with nothing_changes(), pytest.raises(Required) as refusal:
        identify(provider="corp", id_token=providers["openid"].id_token())
    assert refusal.value.field == ("nonce",)
    assert providers.asked == []


# Keys


def test_keys_are_asked_for_once(providers):
    """Discovery and keys, then nothing for an hour."""
    for number in range(3):
        identify(provider="corp", id_token=providers["openid"].id_token(jti=str(number)))

    assert providers.paths == ["openid-configuration", "jwks"]


def test_a_new_key_is_found(providers, settings):
    """Rotation: the unknown id makes us look again."""
    settings.LATCHKEY = replace(settings.LATCHKEY, jwks_refetch_interval=0)
    identify(provider="corp", id_token=providers["openid"].id_token())
    providers["openid"].rotate("two")

    assert not identify(provider="corp", id_token=providers["openid"].id_token()).is_new
    assert providers.paths == ["openid-configuration", "jwks", "jwks"]


def test_a_key_that_was_withdrawn_is_refused(providers, settings):
    """At the latest an hour later, and at once where another one was seen."""
    settings.LATCHKEY = replace(settings.LATCHKEY, jwks_refetch_interval=0)
    old = providers["openid"].id_token()
    identify(provider="corp", id_token=providers["openid"].id_token(jti="1"))
    providers["openid"].rotate("two")
    identify(provider="corp", id_token=providers["openid"].id_token(jti="2"))

    refused(old)


def test_unknown_keys_do_not_make_us_hammer_the_provider(providers):
    """A flood of forged tokens is one question a minute."""
    identify(provider="corp", id_token=providers["openid"].id_token())
    for number in range(20):
        refused(providers["openid"].id_token(signed_by=replace(key("attacker"), kid=f"made-up-{number}")))

    assert providers.paths == ["openid-configuration", "jwks"]


def test_a_provider_that_is_down_is_not_needed_while_its_keys_are_known(providers, settings, monkeypatch):
    """The last answer serves for a day."""
    settings.LATCHKEY = replace(settings.LATCHKEY, jwks_refetch_interval=0)
    identify(provider="corp", id_token=providers["openid"].id_token())
    monkeypatch.setattr("accounts.social.providers.published.FRESH", 0)
    providers.faults["jwks"] = providers.faults["openid-configuration"] = faults.internal_error

    assert not identify(provider="corp", id_token=providers["openid"].id_token(jti="2")).is_new
    assert len(providers.asked) == 4


@pytest.mark.parametrize("endpoint", ["openid-configuration", "jwks"])
@pytest.mark.parametrize("fault", faults.AT_ONCE, ids=lambda fault: fault.__name__)
def test_without_its_keys_nobody_is_signed_in(providers, endpoint, fault):
    """S37: one clean error."""
    providers.faults[endpoint] = fault

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="corp", id_token=providers["openid"].id_token())


@pytest.mark.parametrize("published", [[], "x", ["x", {"kid": "openid:rs"}], None, [7]])
def test_a_strange_set_of_keys_has_none(providers, published):
    """Nothing of it is trusted, and nothing falls over."""
    body = json.dumps({"keys": published}).encode()
    providers.faults["jwks"] = lambda handler, _status, _body: handler.reply(200, body)

    refused(providers["openid"].id_token())


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"use": 7},
        {"use": ["sig"]},
        {"key_ops": ["encrypt"]},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"alg": "RSA-OAEP"},
        {"alg": "RS512"},
    ],
    ids=str,
)
def test_a_key_for_something_else_verifies_nothing(providers, change):
    """RFC 7517 §4.2 to §4.4."""
    publish(providers, {**providers["openid"].keys[0].jwk, **change})

    refused(providers["openid"].id_token())


@pytest.mark.parametrize("change", [{"use": "sig", "key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}], ids=str)
def test_a_key_to_verify_with_verifies(providers, change):
    """RFC 7517 §4.3."""
    publish(providers, {**providers["openid"].keys[0].jwk, **change})

    assert identify(provider="corp", id_token=providers["openid"].id_token()).is_new


def test_an_elliptic_key_is_on_the_curve_of_its_algorithm(providers):
    """RFC 7518 §3.4: PyJWT makes a key of P-384 for ES256 too."""
    signer = key("openid:es384", "ES384")
    publish(providers, {**without(signer.jwk, "alg")})
    signed = f"{segment({'alg': 'ES256', 'kid': signer.kid})}.{segment(providers['openid'].claims())}"
    assert isinstance(signer.private, ec.EllipticCurvePrivateKey)
    numbers = decode_dss_signature(signer.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = b"".join(number.to_bytes(48) for number in numbers)

    token = f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert "unknown key" in refused(token).hint


@pytest.mark.parametrize("bits", [1024, 2047, 2048])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_short_rsa_key_verifies_nothing(providers, bits):
    """RFC 7518 §3.3: 2048 bits or more."""
    signer = replace(key("openid:rs"), private=rsa.generate_private_key(public_exponent=65537, key_size=bits))
    publish(providers, signer.jwk)
    token = signer.sign(providers["openid"].claims())

    if bits < 2048:
        assert "unknown key" in refused(token).hint
    else:
        assert identify(provider="corp", id_token=token).is_new


def test_a_private_key_that_everybody_can_read_verifies_nothing(providers):
    """Whoever read it may have signed."""
    signer = providers["openid"].keys[0]
    private = jwt.algorithms.RSAAlgorithm.to_jwk(signer.private, as_dict=True)
    publish(providers, {**signer.jwk, **without(private, "key_ops")})

    refused(providers["openid"].id_token())


@pytest.mark.parametrize("jwk", [{"kty": "oct"}, {"kty": "RSA"}, {"kty": []}, {"kty": "EC", "crv": "P-256", "x": 7}])
def test_a_strange_key_is_none(providers, jwk):
    """Under the id that the token names."""
    publish(providers, {**jwk, "kid": "openid:rs"})

    refused(providers["openid"].id_token())


@pytest.mark.parametrize("url", ["http://[bad", "http://x\ud800", "ftp://x", "http://x:99999", 7])
def test_a_strange_address_of_the_keys_is_none(providers, url):
    """In the discovery document."""
    document = {"issuer": providers["openid"].url, "jwks_uri": url}
    providers.faults["openid-configuration"] = lambda handler, status, body: handler.reply(
        200, json.dumps(document).encode()
    )

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="corp", id_token=providers["openid"].id_token())


def test_a_provider_that_fails_is_left_alone_for_a_moment(providers):
    """A flood of sign-ins while it is down is one question every few seconds."""
    providers.faults["openid-configuration"] = faults.internal_error

    for _ in range(5):
        with pytest.raises(ProviderUnavailable):
            identify(provider="corp", id_token=providers["openid"].id_token())
    assert providers.paths == ["openid-configuration"]


def test_a_discovery_document_speaks_for_its_issuer_only(providers):
    """OpenID Connect Discovery §4.3."""
    providers["openid"].published_issuer = "https://evil.example"

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="corp", id_token=providers["openid"].id_token())


# The right field


@pytest.mark.parametrize("provider", ["google-oauth2", "facebook", "microsoft", "apple-id", "corp"])
def test_an_id_token_sent_as_an_access_token_is_recognised(providers, provider):
    """The message names the right field; nobody is asked."""
    with nothing_changes(), pytest.raises(ProviderRejected) as refusal:
        identify(provider=provider, access_token=token_of(providers, provider))

    assert "credential.idToken" in str(refusal.value.message)
    assert refusal.value.field == ("credential", "access_token")
    assert providers.asked == []


@pytest.mark.parametrize("provider", ["google-oauth2", "facebook"])
def test_an_access_token_sent_as_an_id_token_is_recognised(providers, provider):
    """And the reverse."""
    token = providers.google_token() if provider == "google-oauth2" else providers.facebook_token()

    assert "credential.accessToken" in str(refused(token, provider=provider).message)
    assert providers.asked == []


def test_a_private_address_is_not_asked_in_production(providers, settings):
    """A configured issuer, or what its discovery document names, must not lead into our own network."""
    settings.LATCHKEY = replace(settings.LATCHKEY, private_providers=False)

    with nothing_changes(), pytest.raises(ProviderUnavailable, match="not available right now"):
        identify(provider="corp", id_token=providers["openid"].id_token())
    assert providers.asked == []


def test_accounts_of_id_tokens_have_no_password(providers):
    """As those of access tokens."""
    identify(provider="corp", id_token=providers["openid"].id_token())

    assert not Account.objects.get().has_usable_password()
    assert sign_in_methods(Account.objects.get()) == [SignInMethod.SOCIAL, SignInMethod.EMAIL_CODE]
