"""Authorization codes: through the opaque flow, from a popup, and with an app's own verifier."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from social_django.models import UserSocialAuth

from accounts.people.models import Account
from accounts.shared.models import SpentCredential
from accounts.tokens.models import Client
from tests.api import AUTH_URL, CONVERT, LINK, ME, NONCE, refusals
from tests.factories import make_account, make_client
from tests.providers import faults
from tests.providers.keys import key
from tests.providers.registrations import ADA, CORP_CLIENT, GOOGLE_CLIENT, GOOGLE_IOS_CLIENT
from tests.providers.stored import nothing_changes

CALLBACK = "http://localhost:5173/callback"
VERIFIER = "a-verifier-that-the-app-made-itself-0123456789"
OPENID = {"google": "google", "apple": "apple", "microsoft": "microsoft", "corp": "openid"}
CODE = ["credential", "code"]


@pytest.fixture
def begin(graphql, providers):
    """Ask for the URL: `begin("corp", token=…)` gives the payload."""

    def ask(provider="corp", *, token=None, **given: Any) -> Any:
        given = {"provider": provider, "redirectUri": CALLBACK, **given}
        return graphql(AUTH_URL, token=token, input=given).data["createSocialAuthUrl"]

    return ask


@pytest.fixture
def come_back(begin, providers):
    """Begin, agree at the provider, and come back: what `credential.code` takes."""

    def journey(provider="corp", *, token=None, client_id=None, **person: Any) -> dict[str, str]:
        client = {"clientId": client_id} if client_id else {}
        authorization = begin(provider, token=token, **client)["authorization"]
        url, flow = authorization["url"], authorization["flow"]
        if provider in OPENID:
            return {**providers[OPENID[provider]].authorize(url, **person), "flow": flow}
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        make = providers.facebook_code if provider == "facebook" else providers.github.code
        code = make(redirect_uri=asked["redirect_uri"], code_challenge=asked["code_challenge"], **person)
        return {"code": code, "state": asked["state"], "flow": flow}

    return journey


@pytest.fixture
def convert(graphql):
    """Send it: the payload."""

    def send(code: dict[str, str], provider="corp", *, token=None, **more: Any) -> Any:
        given = {"provider": provider, "credential": {"code": code}, **more}
        return graphql(CONVERT, token=token, input=given).data["convertSocialToken"]

    return send


@pytest.mark.parametrize("provider", ["google", "microsoft", "facebook", "github", "corp"])
def test_a_redirect_signs_in(come_back, convert, provider):
    """Each provider, with PKCE checked by it, and its secret shown."""
    payload = convert(come_back(provider), provider)

    assert payload["errors"] == []
    assert payload["isNewAccount"]
    assert payload["account"]["email"] == "ada@example.com"


def test_a_redirect_to_apple_signs_in_with_the_name_that_the_page_was_told(come_back, convert):
    """Our secret there is a token that we sign; names come with Apple's POST alone."""
    payload = convert(come_back("apple"), "apple", firstName="Ada", lastName="King")

    assert payload["errors"] == []
    account = Account.objects.get()
    assert (account.first_name, account.last_name, account.email_verified) == ("Ada", "King", True)


def test_the_url_asks_for_what_it_should(begin, providers):
    """RFC 6749 §4.1.1, RFC 7636, OpenID Connect Core §3.1.2.1."""
    authorization = begin("google", loginHint="ada@example.com")["authorization"]

    asked = parse_qs(urlsplit(authorization["url"]).query)
    secret = {name: asked.pop(name)[0] for name in ("state", "nonce", "code_challenge")}
    assert asked == {
        "client_id": [GOOGLE_CLIENT],
        "redirect_uri": [CALLBACK],
        "response_type": ["code"],
        "scope": ["openid email profile"],
        "code_challenge_method": ["S256"],
        "login_hint": ["ada@example.com"],
    }
    assert all(len(value) == 43 for value in secret.values())
    assert authorization["expiresIn"] == 1800


def test_apple_is_asked_to_post_where_it_insists(begin):
    """With the scopes name and email it answers in no other way."""
    assert "response_mode=form_post" in begin("apple")["authorization"]["url"]


def test_the_verifier_never_leaves_the_server(begin, providers):
    """Nor the nonce, in the flow: it is signed, and whoever has it can read it."""
    flow = begin()["authorization"]["flow"]
    content = flow.split(":")[0].removeprefix(".")

    readable = base64.urlsafe_b64decode(f"{content}===")
    assert b"verifier" not in readable
    assert len(json.dumps(flow)) < 400


def test_each_answer_is_another(begin):
    """State, nonce and challenge of two tabs differ."""
    one, two = (parse_qs(urlsplit(begin()["authorization"]["url"]).query) for _ in range(2))

    for name in ("state", "nonce", "code_challenge"):
        assert one[name] != two[name]


def test_nothing_is_stored_until_it_comes_back(begin):
    """Anybody may ask."""
    with nothing_changes():
        begin()


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://localhost:5173/callback/",
        "http://localhost:5173/Callback",
        "http://localhost:5173/callback?x=1",
        "http://localhost:5173/callback#",
        "http://localhost:5173",
        "http://localhost:5174/callback",
        "https://localhost:5173/callback",
        "http://localhost:5173/callback http://evil.example",
        "http://evil.example/callback",
        "http://localhost:5173@evil.example/callback",
        "javascript:alert(1)",
        "postmessage",
    ],
)
def test_only_a_registered_redirect_uri_letter_for_letter(begin, uri):
    """RFC 9700 §2.1."""
    assert refusals(begin(redirectUri=uri)) == [("REDIRECT_URI_NOT_ALLOWED", ["redirectUri"])]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"provider": "nobody"}, ("PROVIDER_UNKNOWN", ["provider"])),
        ({"clientId": "nobody"}, ("INVALID_CLIENT", ["clientId"])),
    ],
)
def test_whom_and_for_whom(begin, given, refusal):
    """Before anything is asked."""
    assert refusals(begin(**given)) == [refusal]


def test_a_third_party_begins_nothing(begin):
    """Only first-party clients sign in here."""
    client, _secret = make_client(first_party=False, redirect_uris=CALLBACK)

    assert refusals(begin(clientId=client.client_id)) == [("INVALID_CLIENT", ["clientId"])]


def test_a_provider_without_our_secret_takes_no_codes(begin, reconfigure):
    """Google's web client: better told now than after the redirect."""
    reconfigure("google-oauth2", client_secret="")

    assert refusals(begin("google")) == [("CREDENTIAL_NOT_SUPPORTED", ["provider"])]


def test_a_provider_that_is_down(begin, providers):
    """Its address is in its discovery document."""
    providers.faults["openid-configuration"] = faults.internal_error

    assert refusals(begin()) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("endpoint", ["javascript:alert(1)", "data:text/html,x", "", None, 7, "//idp.example/auth"])
def test_only_the_web_is_where_browsers_are_sent(begin, providers, endpoint):
    """Whatever a discovery document says."""
    document = {"issuer": providers["openid"].url, "authorization_endpoint": endpoint}
    providers.faults["openid-configuration"] = lambda handler, _status, _body: handler.reply(
        200, json.dumps(document).encode()
    )

    assert refusals(begin()) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("hint", ["x" * 10_000, "", "\0"])
def test_a_strange_hint_is_no_matter(begin, hint):
    """It is a hint."""
    assert begin(loginHint=hint)["errors"] == []


# The flow: replayed, swapped, forged, expired


def test_a_flow_is_used_once(come_back, convert, providers):
    """Another code for the same flow is not taken either."""
    code = come_back()
    assert convert(code)["errors"] == []
    assert SpentCredential.objects.count() == 1
    before = Account.objects.count()

    assert refusals(convert(code)) == [("PROVIDER_REJECTED", CODE)]
    assert Account.objects.count() == before


def test_two_codes_of_one_flow_are_one_sign_in(begin, convert, providers):
    """The provider gives a new code each time the URL is visited."""
    authorization = begin()["authorization"]
    one, two = (providers["openid"].authorize(authorization["url"]) for _ in range(2))

    assert convert({**one, "flow": authorization["flow"]})["errors"] == []
    assert refusals(convert({**two, "flow": authorization["flow"]})) == [("PROVIDER_REJECTED", CODE)]


@pytest.mark.parametrize("state", [None, "", "forged", "x" * 10_000])
def test_another_state_is_refused(come_back, convert, state):
    """CSRF: RFC 6749 §10.12."""
    code = {**come_back(), "state": state}

    with nothing_changes():
        assert refusals(convert(code)) == [("PROVIDER_REJECTED", [*CODE, "state"])]


def test_the_state_of_another_flow_is_refused(come_back, convert):
    """Two tabs mixed up, or an attacker's redirect in the victim's browser."""
    victims, attackers = come_back(), come_back()

    with nothing_changes():
        mixed = {**attackers, "flow": victims["flow"]}
        assert refusals(convert(mixed)) == [("PROVIDER_REJECTED", [*CODE, "state"])]


def test_an_injected_code_is_refused(come_back, convert, providers):
    """PKCE: a stolen code with a state and flow of one's own is worth nothing at the provider."""
    stolen, own = come_back(), come_back()

    with nothing_changes():
        assert refusals(convert({**own, "code": stolen["code"]})) == [("PROVIDER_REJECTED", CODE)]


def test_a_code_with_another_nonce_is_refused(begin, convert, providers):
    """OpenID Connect Core §3.1.3.7: the ID token belongs to this request."""
    authorization = begin()["authorization"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization["url"]).query).items()}
    code = providers["openid"].code(
        redirect_uri=CALLBACK, code_challenge=asked["code_challenge"], nonce="another", client=asked["client_id"]
    )

    with nothing_changes():
        payload = convert({"code": code, "state": asked["state"], "flow": authorization["flow"]})
        assert refusals(payload) == [("PROVIDER_REJECTED", CODE)]


@pytest.mark.parametrize("change", [lambda flow: flow[:-1] + ("A" if flow[-1] != "A" else "B"), lambda _: "forged"])
def test_a_forged_flow_is_refused(come_back, convert, providers, change):
    """It is signed."""
    code = come_back()
    providers.asked.clear()

    with nothing_changes():
        assert refusals(convert({**code, "flow": change(code["flow"])})) == [("PROVIDER_REJECTED", [*CODE, "flow"])]
    assert providers.asked == []


def test_an_old_flow_is_refused(come_back, convert, settings):
    """After `expiresIn`."""
    code = come_back()
    settings.LATCHKEY = replace(settings.LATCHKEY, social_flow_lifetime=-1)

    with nothing_changes():
        assert refusals(convert(code)) == [("PROVIDER_REJECTED", [*CODE, "flow"])]


def test_a_flow_of_another_provider_is_refused(come_back, convert):
    """The mix-up attack (RFC 9700 §4.4)."""
    with nothing_changes():
        assert refusals(convert(come_back("corp"), "google")) == [("PROVIDER_REJECTED", [*CODE, "flow"])]


def test_a_flow_of_another_client_is_refused(come_back, convert):
    """S70."""
    client, _secret = make_client(redirect_uris=CALLBACK)

    with nothing_changes():
        payload = convert(come_back(), clientId=client.client_id)
        assert refusals(payload) == [("PROVIDER_REJECTED", [*CODE, "flow"])]
    code = come_back(client_id=client.client_id)
    assert convert(code, clientId=client.client_id)["errors"] == []


def test_a_flow_begun_signed_in_signs_nobody_in(come_back, convert, signed_in):
    """S70: it links, and only for who began it."""
    code = come_back(token=signed_in.access_token)

    for token in (None, signed_in.access_token):
        with nothing_changes():
            assert refusals(convert(code, token=token)) == [("PROVIDER_REJECTED", [*CODE, "flow"])]


@pytest.mark.parametrize("begun_by", ["nobody", "another"])
def test_a_flow_begun_by_another_links_nothing(come_back, graphql, sign_in, begun_by):
    """S70: begun by A, or signed out, and finished under B's token."""
    attacker, victim = sign_in(make_account()), sign_in(make_account())
    code = come_back(token=attacker.access_token if begun_by == "another" else None)
    source = {"credential": {"provider": "corp", "credential": {"code": code}}}

    graphql(ME, token=victim.access_token)  # the first use of a token leaves a trace

    with nothing_changes():
        answer = graphql(LINK, token=victim.access_token, input={"source": source})
        assert refusals(answer.data["linkSocialAccount"]) == [
            ("PROVIDER_REJECTED", ["source", "credential", "credential", "code", "flow"])
        ]


def test_a_flow_begun_signed_in_links(come_back, graphql, signed_in):
    """For the same account and client."""
    code = come_back(token=signed_in.access_token)
    source = {"credential": {"provider": "corp", "credential": {"code": code}}}

    answer = graphql(LINK, token=signed_in.access_token, input={"source": source})

    assert answer.data["linkSocialAccount"]["errors"] == []
    assert UserSocialAuth.objects.get().user == signed_in.account


def test_a_flow_begun_signed_in_is_for_the_client_of_the_bearer(begin, sign_in, account, graphql, providers):
    """Whichever it is; another one is refused at once, rather than after the redirect."""
    client, _secret = make_client(redirect_uris=CALLBACK)
    token = sign_in(account, clientId=client.client_id).access_token

    assert refusals(begin(token=token, clientId="web")) == [("INVALID_CLIENT", ["clientId"])]
    begun = begin(token=token)["authorization"]
    code = {**providers["openid"].authorize(begun["url"]), "flow": begun["flow"]}
    source = {"credential": {"provider": "corp", "credential": {"code": code}}}
    assert graphql(LINK, token=token, input={"source": source}).data["linkSocialAccount"]["errors"] == []


def test_a_flow_of_another_client_links_nothing(come_back, graphql, signed_in, sign_in):
    """S70: the client of the Bearer token is the one that began it."""
    client, _secret = make_client(redirect_uris=CALLBACK)
    by_other_client = sign_in(signed_in.account, clientId=client.client_id)
    code = come_back(token=signed_in.access_token)
    source = {"credential": {"provider": "corp", "credential": {"code": code}}}

    graphql(ME, token=by_other_client.access_token)

    with nothing_changes():
        answer = graphql(LINK, token=by_other_client.access_token, input={"source": source})
        assert [code for code, _ in refusals(answer.data["linkSocialAccount"])] == ["PROVIDER_REJECTED"]


# Without a flow


def test_googles_popup(convert, providers):
    """`postmessage` stands for the redirect URI."""
    code = providers["google"].code(redirect_uri="postmessage")

    assert convert({"code": code, "redirectUri": "postmessage"}, "google")["errors"] == []


def test_postmessage_is_googles_alone(convert, providers):
    """Elsewhere it is a redirect URI that nobody registered."""
    code = {"code": providers["openid"].code(redirect_uri="postmessage"), "redirectUri": "postmessage"}

    with nothing_changes():
        assert refusals(convert(code)) == [("REDIRECT_URI_NOT_ALLOWED", [*CODE, "redirectUri"])]


def test_an_app_with_its_own_verifier(convert, providers):
    """AppAuth."""
    code = providers["openid"].code(redirect_uri=CALLBACK, verifier=VERIFIER, nonce="made by the app")

    assert convert({"code": code, "redirectUri": CALLBACK, "codeVerifier": VERIFIER})["errors"] == []


def test_an_ios_app_of_google(convert, providers, default_client):
    """Its redirect URI is its client id, reversed; it has no secret."""
    redirect_uri = "com.googleusercontent.apps.ios:/oauth2redirect"
    Client.objects.update(redirect_uris=f"{CALLBACK} {redirect_uri}")
    code = providers["google"].code(
        redirect_uri=redirect_uri, verifier=VERIFIER, client=GOOGLE_IOS_CLIENT, azp=GOOGLE_IOS_CLIENT
    )

    assert convert({"code": code, "redirectUri": redirect_uri, "codeVerifier": VERIFIER}, "google")["errors"] == []


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({}, ("REQUIRED", [*CODE, "redirectUri"])),
        ({"redirectUri": CALLBACK}, ("REQUIRED", [*CODE, "codeVerifier"])),
        (
            {"redirectUri": "http://evil.example/", "codeVerifier": VERIFIER},
            ("REDIRECT_URI_NOT_ALLOWED", [*CODE, "redirectUri"]),
        ),
        ({"redirectUri": CALLBACK, "codeVerifier": "short"}, ("PROVIDER_REJECTED", [*CODE, "codeVerifier"])),
        ({"redirectUri": CALLBACK, "codeVerifier": "é" * 60}, ("PROVIDER_REJECTED", [*CODE, "codeVerifier"])),
        ({"redirectUri": CALLBACK, "codeVerifier": "x" * 60}, ("PROVIDER_REJECTED", CODE)),
    ],
)
def test_what_belongs_to_a_code(convert, providers, given, refusal):
    """Each missing or wrong, and nothing is made."""
    code = providers["openid"].code(redirect_uri=CALLBACK, verifier=VERIFIER)

    with nothing_changes():
        assert refusals(convert({"code": code, **given})) == [refusal]


@pytest.mark.parametrize("code", ["", "\0", "é", "x" * 4097])
def test_what_is_no_code_goes_nowhere(convert, providers, code):
    """S36."""
    with nothing_changes():
        given = {"code": code, "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
        assert refusals(convert(given)) == [("PROVIDER_REJECTED", CODE)]
    assert providers.asked == []


@pytest.mark.parametrize("provider", ["google", "corp", "facebook", "github", "apple"])
def test_our_wrong_secret_is_our_fault(come_back, convert, reconfigure, provider):
    """The client is told to try again, and the operator why."""
    name = {"google": "google-oauth2", "apple": "apple-id"}.get(provider, provider)
    code = come_back(provider)
    reconfigure(name, **({"key_id": "another"} if provider == "apple" else {"client_secret": "wrong"}))

    with nothing_changes():
        assert refusals(convert(code, provider)) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("provider", ["google", "corp", "microsoft"])
@pytest.mark.parametrize("fault", faults.AT_ONCE, ids=lambda fault: fault.__name__)
def test_a_faulty_token_endpoint_is_one_clean_error(come_back, convert, providers, provider, fault):
    """S37."""
    code = come_back(provider)
    providers.faults["token"] = fault

    with nothing_changes():
        [(error, _field)] = refusals(convert(code, provider))
        assert error in {"PROVIDER_UNAVAILABLE", "PROVIDER_REJECTED"}


def test_what_the_id_token_does_not_say_userinfo_does(come_back, convert):
    """OpenID Connect Core §5.4: of a code, many ID tokens hold the subject alone."""
    payload = convert(come_back(in_id_token=False))

    assert payload["errors"] == []
    assert payload["account"]["email"] == "ada@example.com"


def test_userinfo_of_somebody_else_is_refused(come_back, convert, providers):
    """§5.3.2."""
    code = come_back(in_id_token=False)
    issuer = providers["openid"]
    issuer.tokens = {token: (client, {**person, "sub": "2"}) for token, (client, person) in issuer.tokens.items()}

    with nothing_changes():
        assert refusals(convert(code)) == [("PROVIDER_REJECTED", CODE)]


def says(**claims: Any) -> dict[str, Any]:
    """An ID token that says this of a person alone."""
    return {**dict.fromkeys(set(ADA) - {"sub"}), **claims}


MAIL, NAMES = {"email": "ada@example.com"}, {"given_name": "Ada", "family_name": "Lovelace"}


@pytest.mark.parametrize(
    ("id_token", "userinfo", "verified"),
    [
        ({**MAIL}, {**MAIL, **NAMES, "email_verified": True}, True),
        ({**NAMES}, {**MAIL, "email_verified": True}, True),
        ({**NAMES, "email_verified": True}, {**MAIL, "email_verified": False}, False),
        ({**MAIL, "email_verified": True}, {**NAMES}, True),
        ({**MAIL, "email_verified": False}, {**MAIL, **NAMES, "email_verified": True}, False),
        ({**MAIL}, {"email": "another@example.com", **NAMES, "email_verified": True}, False),
        ({"email": "ADA@example.com"}, {**MAIL, **NAMES, "email_verified": True}, True),
        ({**MAIL, "given_name": "Ada"}, {"family_name": "Lovelace", "email_verified": True}, False),
        ({"email": "", "given_name": " ", "family_name": 7}, {**MAIL, **NAMES, "email_verified": True}, True),
        ({**MAIL, "_claim_names": {"given_name": "x"}}, {**NAMES, "_claim_names": 7, "email_verified": "true"}, False),
        ({"name": "Ada Lovelace"}, {**MAIL, "email_verified": True}, True),
    ],
    ids=str,
)
def test_the_claims_of_both_count(come_back, convert, id_token, userinfo, verified):
    """OpenID Connect Core §5.4: each says a part, and nothing is asked of the person.

    What one source says of its own address does not verify that of the other (S32).
    """
    payload = convert(come_back(id_token=says(**id_token), **says(**userinfo)))

    assert payload["errors"] == []
    account = Account.objects.get()
    assert (account.email, account.first_name, account.last_name) == ("ada@example.com", "Ada", "Lovelace")
    assert account.email_verified is verified


@pytest.mark.parametrize("whole", [True, False])
def test_userinfo_is_asked_only_for_what_is_missing(come_back, convert, providers, whole):
    """It takes time, and may fail."""
    assert convert(come_back(id_token={} if whole else {"family_name": None}))["errors"] == []

    assert ("userinfo" in providers.paths) is not whole


@pytest.mark.parametrize("fault", [faults.internal_error, faults.garbage, faults.empty, faults.hangs_up])
def test_userinfo_that_fails_is_missed_only_for_the_address(come_back, convert, providers, fault):
    """The names can be asked of the person, or were known long ago."""
    providers.faults["userinfo"] = fault
    known = convert(come_back(id_token={"family_name": None}))
    assert known["errors"] == []

    with nothing_changes():
        assert refusals(convert(come_back(id_token={"email": None}))) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("person", [{}, {"sub": None}, {"sub": " "}, {"sub": ["corp-7"]}], ids=str)
def test_userinfo_without_a_subject_tells_nothing(come_back, convert, providers, person):
    """§5.3.2: `sub` MUST always be there; what comes without it is not used."""
    body = json.dumps({**ADA, "family_name": "Evil", **dict.fromkeys(["sub"]), **person}).encode()
    providers.faults["userinfo"] = lambda handler, _status, _body: handler.reply(200, body)

    with nothing_changes():
        assert refusals(convert(come_back(id_token={"email": None}))) == [("PROVIDER_UNAVAILABLE", None)]
    assert convert(come_back(id_token={"family_name": None}))["errors"] == []
    assert Account.objects.get().last_name == ""


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({}, True),
        ({"aud": ["another", CORP_CLIENT]}, True),
        ({"iss": "https://evil.example"}, False),
        ({"iss": None}, False),
        ({"aud": "another"}, False),
        ({"aud": None}, False),
        ({"exp": 1}, False),
        ({"sub": None}, False),
    ],
    ids=str,
)
def test_userinfo_may_be_signed(come_back, convert, providers, claims, good):
    """§5.3.2: `application/jwt`, by the issuer, for us."""
    issuer = providers["openid"]
    person = {**issuer.person, "iss": issuer.url, "aud": CORP_CLIENT, **claims}
    answer_userinfo(providers, issuer.keys[0].sign({name: told for name, told in person.items() if told is not None}))
    code = come_back(in_id_token=False)

    if good:
        payload = convert(code)
        assert (payload["errors"], payload["account"]["email"]) == ([], "ada@example.com")
    else:
        with nothing_changes():
            assert refusals(convert(code)) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("kind", ["forged", "unsigned", "encrypted", "no JWT", "not ASCII"])
def test_signed_userinfo_has_to_be_the_issuers(come_back, convert, providers, kind):
    """S29: and is never said not to have answered."""
    issuer = providers["openid"]
    person = {**issuer.person, "iss": issuer.url, "aud": CORP_CLIENT}
    answer_userinfo(
        providers,
        {
            "forged": replace(key("attacker"), kid=issuer.keys[0].kid).sign(person),
            "unsigned": jwt.encode(person, None, algorithm="none"),
            "encrypted": "a.b.c.d.e",
            "no JWT": json.dumps(person),
            "not ASCII": "é.é.é",
        }[kind],
    )

    with nothing_changes():
        payload = convert(come_back(in_id_token=False))
    assert refusals(payload) == [("PROVIDER_UNAVAILABLE", None)]
    assert payload["errors"][0]["message"] == "The provider's answer could not be understood. Try again later."


def answer_userinfo(providers, token: str) -> None:
    """With this JWT."""
    providers.faults["userinfo"] = lambda handler, _status, _body: handler.reply(
        200, token.encode(), "application/jwt; charset=utf-8"
    )


@pytest.mark.parametrize("provider", ["corp", "google", "facebook", "github"])
@pytest.mark.parametrize("status", [404, 408, 429, 500, 502, 503])
def test_trouble_at_the_token_endpoint_is_no_refusal(come_back, convert, providers, provider, status):
    """Whatever the body says: the person shall try again later, not be told that the provider said no."""
    endpoint = "token" if provider in OPENID else "access_token"
    body = json.dumps({"error": "invalid_grant", "error_description": "SENTINEL-BODY"}).encode()
    providers.faults[endpoint] = lambda handler, _status, _body: handler.reply(status, body)

    with nothing_changes():
        payload = convert(come_back(provider), provider)
    assert refusals(payload) == [("PROVIDER_UNAVAILABLE", None)]
    assert "did not answer" not in payload["errors"][0]["message"]


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_a_provider_that_says_it_is_busy_does_not_refuse(come_back, convert, providers, error):
    """With 400, as Microsoft does."""
    body = json.dumps({"error": error}).encode()
    providers.faults["token"] = lambda handler, _status, _body: handler.reply(400, body)

    with nothing_changes():
        assert refusals(convert(come_back())) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("error", [{"code": 4}, {"code": 2, "is_transient": True}], ids=str)
def test_facebook_being_busy_does_not_refuse_a_code(come_back, convert, providers, error):
    """Graph's errors are the same at each of its endpoints."""
    body = json.dumps({"error": error}).encode()
    providers.faults["access_token"] = lambda handler, _status, _body: handler.reply(400, body)

    with nothing_changes():
        assert refusals(convert(come_back("facebook"), "facebook")) == [("PROVIDER_UNAVAILABLE", None)]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"{}", b'{"id_token": 7}'])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_of_the_token_endpoint_that_is_not_understood(come_back, convert, providers, status, body):
    """Neither a refusal nor silence; an object with 400 is a refusal, whatever it lacks (RFC 6749 §5.2)."""
    providers.faults["token"] = lambda handler, _status, _body: handler.reply(status, body)

    with nothing_changes():
        payload = convert(come_back())
    refused = status == 400 and body.startswith(b"{")
    assert refusals(payload) == [("PROVIDER_REJECTED", CODE) if refused else ("PROVIDER_UNAVAILABLE", None)]
    assert "did not answer" not in payload["errors"][0]["message"]


def test_the_nonce_of_a_redirect_is_no_hash(begin, convert, providers):
    """OpenID Connect Core §3.1.3.7, 11: it is the one that we sent. Only SDKs hand the provider its SHA-256."""
    authorization = begin()["authorization"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization["url"]).query).items()}
    hashed = {"nonce": hashlib.sha256(asked["nonce"].encode()).hexdigest()}
    code = providers["openid"].authorize(authorization["url"], id_token=hashed)

    with nothing_changes():
        assert refusals(convert({**code, "flow": authorization["flow"]})) == [("PROVIDER_REJECTED", CODE)]


# What the provider is told to ask


@pytest.mark.parametrize(
    ("provider", "prompt", "told"),
    [
        ("corp", "SELECT_ACCOUNT", {"prompt": ["select_account"]}),
        ("corp", "LOGIN", {"prompt": ["login"]}),
        ("corp", "CONSENT", {"prompt": ["consent"]}),
        ("corp", None, {}),
        ("microsoft", "LOGIN", {"prompt": ["login"]}),
        ("google", "SELECT_ACCOUNT", {"prompt": ["select_account"]}),
        ("google", "CONSENT", {"prompt": ["consent"]}),
        ("google", "LOGIN", {}),
        ("apple", "LOGIN", {}),
        ("facebook", "LOGIN", {"auth_type": ["reauthenticate"]}),
        ("facebook", "CONSENT", {"auth_type": ["rerequest"]}),
        ("facebook", "SELECT_ACCOUNT", {}),
        ("github", "SELECT_ACCOUNT", {"prompt": ["select_account"]}),
        ("github", "LOGIN", {}),
    ],
)
def test_a_prompt_in_the_words_of_the_provider(begin, provider, prompt, told):
    """OpenID Connect Core §3.1.2.1; nothing that the provider would refuse."""
    url = begin(provider, prompt=prompt)["authorization"]["url"]

    asked = parse_qs(urlsplit(url).query)
    assert {name: value for name, value in asked.items() if name in {"prompt", "auth_type"}} == told


def test_a_sign_in_after_a_prompt(begin, convert, providers):
    """It changes nothing else."""
    authorization = begin(prompt="SELECT_ACCOUNT")["authorization"]

    payload = convert({**providers["openid"].authorize(authorization["url"]), "flow": authorization["flow"]})

    assert payload["errors"] == []


@pytest.mark.parametrize("prompt", ["NONE", "select_account", "", 7, ["LOGIN"]])
def test_no_other_prompt_is_known(graphql, providers, prompt):
    """`none` would let a page sign somebody in without a word."""
    answer = graphql(AUTH_URL, input={"provider": "corp", "redirectUri": CALLBACK, "prompt": prompt})

    assert [error["extensions"]["code"] for error in answer.body["errors"]] == ["BAD_USER_INPUT"]
    assert providers.asked == []


def test_a_nonce_may_be_asked_for_signed_out(graphql, providers):
    """It says for how long it is good, and nothing is stored."""
    with nothing_changes():
        payload = graphql(NONCE, token="stale", input={"provider": "google"}).data["createSocialNonce"]

    assert payload["errors"] == []
    assert payload["nonce"]["expiresIn"] == 1800
    assert len(payload["nonce"]["value"]) < 128


def test_a_nonce_for_a_provider_that_is_not_there(graphql, providers):
    """S36."""
    payload = graphql(NONCE, input={"provider": "nobody"}).data["createSocialNonce"]

    assert refusals(payload) == [("PROVIDER_UNKNOWN", ["provider"])]
