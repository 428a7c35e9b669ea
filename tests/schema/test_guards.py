"""Guards that no other test missed when they were taken away. Each over HTTP: refused, and nothing happens."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.people.models import Account
from accounts.tokens.admin import SessionInline
from accounts.tokens.api import AccessToken
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, LINK, ME, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH, codes, refusals
from tests.factories import make_account, make_client
from tests.live import serving
from tests.providers.issuer import s256
from tests.providers.keys import Key, key
from tests.providers.stored import nothing_changes

Grant = get_grant_model()
CALLBACK = "http://localhost:5173/callback"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"


@pytest.fixture
def ios(db) -> Client:
    """Another public client of ours."""
    return make_client(client_id="ios")[0]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("confidential", [False, True])
def test_another_clients_token_is_not_revoked(graphql, signed_in, kind, confidential):
    """RFC 7009 §2.1: INVALID_CLIENT, as the schema says, and never a success behind which the session lives on."""
    fields = {"client_type": Client.CLIENT_CONFIDENTIAL} if confidential else {}
    other, secret = make_client(**fields)
    proof = {"clientId": other.client_id, **({"clientSecret": secret} if confidential else {})}

    payload = graphql(REVOKE, input={"token": getattr(signed_in, kind), **proof}).data["revokeToken"]

    assert refusals(payload) == [("INVALID_CLIENT", ["clientId"])]
    assert graphql(ME, token=signed_in.access_token).status == 200
    assert Session.objects.count() == 1


def test_a_token_without_a_session_is_never_revoked_in_name_only(graphql, client):
    """RFC 7009 §2.1: a machine's token is ended by the machine, and by nobody else."""
    machine, secret = make_client(
        client_type=Client.CLIENT_CONFIDENTIAL, authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS
    )
    proof = {"client_id": machine.client_id, "client_secret": secret}
    token = client.post("/o/token/", {"grant_type": "client_credentials", **proof}).json()["access_token"]

    for given in ({}, {"clientId": "web"}, {"clientId": machine.client_id, "clientSecret": "wrong"}):
        assert codes(graphql(REVOKE, input={"token": token, **given}).data["revokeToken"]) == ["INVALID_CLIENT"]
    assert AccessToken.objects.count() == 1

    given = {"clientId": machine.client_id, "clientSecret": secret}
    assert codes(graphql(REVOKE, input={"token": token, **given}).data["revokeToken"]) == []
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_tells_which_client_revokes_it(graphql, sign_in, account, ios, kind):
    """The client of either token is known without `clientId`, also if it is not the default one."""
    tokens = sign_in(account, clientId=ios.client_id)

    assert codes(graphql(REVOKE, input={"token": getattr(tokens, kind)}).data["revokeToken"]) == []

    assert graphql(ME, token=tokens.access_token).status == 401
    assert not Session.objects.exists()


def test_a_wrong_client_is_named_in_the_log_alone(graphql, client, signed_in, ios, caplog):
    """S20, S74: GraphQL and REST answer INVALID_GRANT; operators read the cause. The session lives on."""
    with caplog.at_level("INFO", "accounts.tokens.rotation"):
        given = {"refreshToken": signed_in.refresh_token, "clientId": "ios"}
        assert codes(graphql(REFRESH, input=given).data["refreshToken"]) == ["INVALID_GRANT"]
        form = {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "ios"}
        assert client.post("/o/token/", form).json() == {"error": "invalid_grant"}

    causes = [record.getMessage() for record in caplog.records if record.name == "accounts.tokens.rotation"]
    assert causes == [f"refresh refused: wrong client (client {ios.pk})"] * 2
    assert codes(graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]) == []


@pytest.fixture
def exchange(client, default_client, account) -> Any:
    """Present a code at the token endpoint: its status and body."""
    Grant.objects.create(
        user=account,
        code="the-code",
        application=Client.objects.get(client_id="web"),
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri=CALLBACK,
        scope="account",
        code_challenge=s256(VERIFIER),
        code_challenge_method="S256",
    )

    def send(**changes: Any) -> tuple[int, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": "the-code",
            "client_id": "web",
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        response = client.post("/o/token/", {name: value for name, value in form.items() if value is not None})
        return response.status_code, response.json()

    return send


def test_a_code_is_traded_once(graphql, exchange):
    """RFC 6749 §4.1.2: what follows is no refusal of everything."""
    status, tokens = exchange()

    assert status == 200
    assert graphql(ME, token=tokens["access_token"]).data["me"] is not None
    assert exchange() == (400, {"error": "invalid_grant"})


def test_a_disabled_accounts_code_is_worth_nothing(exchange, account):
    """S13: no session, and no token; by SQL, since otherwise the code would be gone."""
    Account._base_manager.filter(pk=account.pk).update(is_active=False)

    assert exchange() == (400, {"error": "invalid_grant"})

    assert not (Session.objects.exists() or AccessToken.objects.exists())


@pytest.mark.parametrize(
    "changes", [{"client_id": "ios"}, {"code_verifier": None}, {"code_verifier": VERIFIER[::-1]}, {"code": "another"}]
)
def test_a_code_is_its_clients_and_its_verifiers(exchange, ios, changes):
    """RFC 6749 §4.1.3, RFC 7636 §4.6."""
    status, answer = exchange(**changes)

    assert (status, set(answer) <= {"error", "error_description"}) == (400, True)
    assert not Session.objects.exists()


def test_a_code_is_worth_no_scope_that_its_client_lost(exchange):
    """S60: between the consent and the exchange."""
    Client.objects.update(first_party=False)

    status, answer = exchange()

    assert status == 400 or "account" not in answer["scope"].split()


class ForAnother(Key):
    """A key that is published for another algorithm than it signs with."""

    @property
    def jwk(self) -> dict[str, Any]:
        """An RSA key takes both RS256 and PS256."""
        return {**super().jwk, "alg": "PS256"}


def test_a_key_of_one_algorithm_signs_with_no_other_of_its_family(graphql, providers):
    """S29, RFC 8725 §3.1: the algorithm is the key's, as it is published, and not the token's."""
    issuer = providers["openid"]
    rsa = key("openid:rs")
    issuer.keys = [ForAnother(rsa.kid, rsa.algorithm, rsa.private), issuer.elliptic]

    with nothing_changes():
        for algorithm in ("RS256", "RS512", "PS256", "PS512"):
            token = jwt.encode(issuer.claims(), rsa.private, algorithm=algorithm, headers={"kid": rsa.kid})
            given = {"provider": "corp", "credential": {"idToken": token}}
            payload = graphql(CONVERT, input=given).data["convertSocialToken"]
            assert codes(payload) == ["PROVIDER_REJECTED"]


def test_an_account_that_is_disabled_while_the_provider_is_asked_links_nothing(providers, tmp_path):
    """S13: the Bearer was good when the request came. A real server."""
    shell = ("shell", "-v", "0", "-c")
    with serving(tmp_path, PROVIDER_TIMEOUT="60", **providers.environment) as live:
        given = {"email": "ada@example.org", "username": "ada", "firstName": "Ada", "password": PASSWORD}
        tokens = live.post(REGISTER, input=given)[1]["data"]["register"]["tokens"]

        def disable(endpoint: str) -> None:
            if endpoint == "tokeninfo":
                live.manage(*shell, "from accounts.models import Account; Account.objects.update(is_active=False)")

        providers.before_answering = disable
        credential = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
        headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
        _status, answer = live.post(LINK, headers=headers, input={"source": {"credential": credential}})

        assert providers.paths == ["tokeninfo", "userinfo"]
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        count = "from social_django.models import UserSocialAuth; print(UserSocialAuth.objects.count())"
        assert live.manage(*shell, count).split()[-1] == "0"


@pytest.mark.parametrize(("development", "host"), [(True, "10.0.2.2"), (False, "localhost")])
def test_the_cookie_travels_in_the_clear_on_loopback_in_development_only(graphql, account, settings, development, host):
    """S51: each of the two is asked for, not one of them."""
    settings.DEVELOPMENT, settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = development, False, [host]
    headers = {"Origin": "http://localhost:5173", "X-Requested-With": "fetch", "Host": host}
    given = {"email": account.email, "password": PASSWORD, "refreshTokenTransport": "COOKIE"}

    answer = graphql(TOKEN_AUTH, headers=headers, input=given)

    assert codes(answer.data["tokenAuth"]) == ["TRANSPORT_NOT_ALLOWED"]
    assert not Session.objects.exists()


@pytest.fixture
def staff(admin_browser, db) -> Any:
    """Sign somebody in to the administration who has these permissions."""

    def enter(*permissions: str) -> Any:
        somebody = make_account(is_staff=True)
        somebody.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        admin_browser.force_login(somebody)
        return admin_browser

    return enter


def test_staff_deletes_no_other_staff(staff, signed_in):
    """Whoever may delete accounts deletes people, and nobody who could have forbidden it."""
    boss = make_account(is_staff=True)
    browser = staff("view_account", "change_account", "delete_account")

    assert browser.post(f"/admin/accounts/account/{boss.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(boss.pk)], "post": "yes"}
    browser.post("/admin/accounts/account/", chosen)
    assert Account.objects.filter(pk=boss.pk).exists()

    person = signed_in.account.pk
    assert browser.post(f"/admin/accounts/account/{person}/delete/", {"post": "yes"}).status_code == 302
    assert not Account.objects.filter(pk=person).exists()


def test_staff_ends_no_other_staffs_session_among_others(staff, sign_in, account):
    """The action on a list is held to the same rule as the page of one."""
    boss = make_account(is_staff=True)
    sign_in(boss)
    sign_in(account)
    browser = staff("view_session", "change_account")

    chosen = [str(session.pk) for session in Session.objects.all()]
    browser.post("/admin/accounts/session/", {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})

    assert Session.objects.filter(account=boss).exists()


def test_who_may_only_look_at_an_account_is_not_offered_to_end_its_sessions(staff, signed_in):
    """Ending is for those who may change accounts; they are."""
    page = f"/admin/accounts/account/{signed_in.account.pk}/change/"

    assert b"sessions-0-DELETE" not in staff("view_account", "view_session", "delete_session").get(page).content
    assert b"sessions-0-DELETE" in staff("view_account", "view_session", "change_account").get(page).content


@pytest.mark.parametrize(
    ("permission", "is_staff", "may"),
    [("change_account", False, True), ("change_account", True, False), ("view_account", False, False)],
)
def test_ending_below_an_account_is_for_those_who_may_change_it(rf, db, permission, is_staff, may):
    """Django offers it on no page that cannot be saved, but an inline can stand on others."""
    request = rf.get("/")
    request.user = make_account(is_staff=True)
    request.user.user_permissions.set(Permission.objects.filter(codename=permission))

    inline = SessionInline(Account, admin.site)

    assert inline.has_delete_permission(request, make_account(is_staff=is_staff)) == may


def test_whatever_hands_sessions_to_the_administration_ends_no_other_staffs(rf, sign_in, account):
    """The action asks for each beforehand; an action that is added need not."""
    boss = make_account(is_staff=True)
    sign_in(boss)
    sign_in(account)
    request = rf.post("/")
    request.user = make_account(is_staff=True)

    admin.site.get_model_admin(Session).delete_queryset(request, Session.objects.all())

    assert Session.objects.get().account == boss


def test_no_page_of_the_administration_shows_what_opens_something(admin_browser, exchange, account):
    """S67: a code, and what goes with it."""
    Grant.objects.update(nonce="the-nonce", claims='{"a": "the-claims"}')
    root = make_account(is_staff=True, is_superuser=True)
    admin_browser.force_login(root)

    content = admin_browser.get(f"/admin/oauth2_provider/grant/{Grant.objects.get().pk}/change/").content.decode()

    assert account.email in content
    for secret in ("the-code", "the-nonce", "the-claims", s256(VERIFIER)):
        assert secret not in content


def test_an_expired_token_is_inactive_at_a_resource_server(client, signed_in):
    """RFC 7662 §2.2: other services must not go on believing it either."""
    server, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)
    form = {"token": signed_in.access_token, "client_id": server.client_id, "client_secret": secret}
    assert client.post("/o/introspect/", form).json()["active"] is True

    AccessToken.objects.update(expires=timezone.now())

    assert client.post("/o/introspect/", form).json() == {"active": False}


ANSWERS = {
    "corp, not active": ("corp", "introspect", {"active": False}),
    "corp, active in name": ("corp", "introspect", {"active": "true"}),
    "github, another application": ("github", "token", {"app": {"client_id": "another"}}),
    "github, another person": ("github", "token", {"user": {"id": 1}}),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_provider_says_of_an_access_token_counts_in_each_part(graphql, providers, case):
    """S28: everything else in the answer is as it is for a good token."""
    name, endpoint, change = ANSWERS[case]
    token = providers.github.token() if name == "github" else providers["openid"].access_token()
    given = {"provider": name, "credential": {"accessToken": token}}
    providers.faults[endpoint] = lambda handler, status, body: handler.reply(
        status, json.dumps({**json.loads(body), **change}).encode()
    )

    with nothing_changes():
        assert codes(graphql(CONVERT, input=given).data["convertSocialToken"]) == ["PROVIDER_REJECTED"]

    providers.faults.clear()
    assert codes(graphql(CONVERT, input=given).data["convertSocialToken"]) == []
