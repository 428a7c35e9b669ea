"""The administration: people and clients are managed, tokens only looked at and ended, secrets shown once."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from social_django.models import Association, Nonce, UserSocialAuth

from accounts.people.models import Account
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.families import checksum
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REFRESH, REGISTER, TOKEN_AUTH, codes
from tests.factories import make_account, make_client

STAFF_PASSWORD = "an administrators passphrase"


def page(model: str, action: str = "changelist", *arguments: object) -> str:
    """The address of a page."""
    app = "social_django" if model in {"usersocialauth", "nonce", "association"} else "accounts"
    app = "oauth2_provider" if "token" in model or model == "grant" else app
    return reverse(f"admin:{app}_{model}_{action}", args=arguments)


@pytest.fixture
def admin(admin_browser, db):
    """A browser in which an administrator has signed in by the form."""
    Account.objects.create_superuser("root@example.com", STAFF_PASSWORD, username="root", first_name="Root")
    form = {"username": "Root@Example.com", "password": STAFF_PASSWORD}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302
    return admin_browser


def form_of(response) -> dict[str, Any]:
    """What a browser would send if one pressed Save: the values of the page's forms."""
    values: dict[str, Any] = {}
    forms = [response.context["adminform"].form] if "adminform" in response.context else []
    for formset in response.context.get("inline_admin_formsets", ()):
        forms += [formset.formset.management_form, *formset.formset.forms]
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is None or value is False:
                continue
            if isinstance(value, list):
                if value:
                    values[bound.html_name] = value
                continue
            values[bound.html_name] = "on" if value is True else value
    return values


def errors_of(response) -> dict[str, list[str]]:
    """A form's errors."""
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def test_the_administration_needs_an_administrator(admin_browser, account):
    """Staff only."""
    assert admin_browser.get("/admin/").status_code == 302
    response = admin_browser.post("/admin/login/", {"username": account.email, "password": PASSWORD})

    assert response.status_code == 200
    assert "sessionid" not in admin_browser.cookies


@pytest.mark.parametrize(
    "model",
    [
        "account", "client", "session", "accesstoken", "refreshtoken", "grant", "idtoken",
        "usersocialauth", "nonce", "association",
    ],
)  # fmt: skip
def test_every_list_opens_and_can_be_searched(admin, signed_in, model):
    """With rows in it."""
    UserSocialAuth.objects.create(user=signed_in.account, provider="google-oauth2", uid="1")

    for query in ({}, {"q": "person"}, {"q": "\0"}, {"q": "'"}):
        assert admin.get(page(model), query).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [("ADA@EXAMPLE", True), ("countess", True), ("augusta", True), ("lovelace", True), ("nobody", False)],
)
def test_people_are_found_by_address_and_names(admin, query, found):
    """The search."""
    make_account(email="ada@example.com", username="countess", first_name="Augusta", last_name="Lovelace")

    response = admin.get(page("account"), {"q": query})

    assert (b"ada@example.com" in response.content) == found


@pytest.mark.parametrize("field", ["is_active", "email_verified", "is_staff", "is_superuser"])
def test_people_can_be_filtered(admin, account, field):
    """By what they are."""
    response = admin.get(page("account"), {f"{field}__exact": "1"})

    assert response.status_code == 200
    assert (account.email.encode() in response.content) == getattr(account, field)


NEW = {
    "email": "Ada@Example.com",
    "username": "ada",
    "first_name": "Ada",
    "last_name": "",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "usable_password": "true",
}


def test_an_account_can_be_added(admin, graphql):
    """Canonical as everywhere, and the password works."""
    assert admin.get(page("account", "add")).status_code == 200

    response = admin.post(page("account", "add"), NEW)

    assert response.status_code == 302, errors_of(response)
    account = Account.objects.get(email="ada@example.com")
    assert (account.username_key, account.is_staff) == ("ada", False)
    payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD}).data["tokenAuth"]
    assert payload["errors"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "PERSON"}, "username"),
        ({"username": "ｐｅｒｓｏｎ"}, "username"),
        ({"username": "a@b"}, "username"),
        ({"username": ""}, "username"),
        ({"email": "PERSON@example.com"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"first_name": "http://evil.example"}, "first_name"),
        ({"first_name": ""}, "first_name"),
        ({"first_name": "\0"}, "first_name"),
        ({"password1": "short", "password2": "short"}, "password2"),
        ({"password2": "something else entirely"}, "password2"),
        ({"password1": "ada@example.com", "password2": "ada@example.com"}, "password2"),
        ({"password1": "x" * 2000, "password2": "x" * 2000}, "password2"),
    ],
)
def test_what_the_api_refuses_the_administration_refuses(admin, changes, field):
    """As an error of the form, not as a 500; a taken name in another case too."""
    make_account(email="person@example.com", username="person")

    response = admin.post(page("account", "add"), {**NEW, **changes})

    assert field in errors_of(response)
    assert Account.objects.count() == 2


def test_an_account_can_be_changed(admin, account):
    """And is saved unchanged by pressing Save."""
    response = admin.get(page("account", "change", account.pk))
    given = form_of(response)

    assert admin.post(page("account", "change", account.pk), given).status_code == 302
    changed = {**given, "first_name": "Augusta", "username": account.username.upper()}
    response = admin.post(page("account", "change", account.pk), changed)
    assert response.status_code == 302, errors_of(response)

    again = Account.objects.get(pk=account.pk)
    assert (again.first_name, again.username, again.email) == (
        "Augusta",
        account.username.upper(),
        account.email,
    )
    assert again.password == account.password


@pytest.mark.parametrize("taken", [{"username": "OTHER"}, {"email": "Other@example.com"}])
def test_changing_to_what_somebody_has_is_an_error_of_the_form(admin, account, taken):
    """Not a 500."""
    make_account(email="other@example.com", username="other")
    given = form_of(admin.get(page("account", "change", account.pk)))

    response = admin.post(page("account", "change", account.pk), {**given, **taken})

    assert set(errors_of(response)) == set(taken)


def test_disabling_in_the_administration_works_at_once(admin, graphql, signed_in):
    """S13."""
    address = page("account", "change", signed_in.account.pk)
    given = form_of(admin.get(address))
    given.pop("is_active")

    assert admin.post(address, given).status_code == 302

    assert graphql(ME, token=signed_in.access_token).status == 401


@pytest.mark.parametrize("written", [str, lambda key: key.hex, lambda key: str(key).upper()])
def test_ones_own_password_needs_the_current_one(admin, written):
    """S10: whoever has the session need not know it."""
    own = Account.objects.get(is_superuser=True)
    address = reverse("admin:auth_user_password_change", args=[written(own.pk)])
    new = "a password that a thief chose"

    for response in (
        admin.get(address),
        admin.post(address, {"password1": new, "password2": new, "usable_password": "true"}),
    ):
        assert response.status_code == 302
        assert response.headers["Location"] == reverse("admin:password_change")

    assert Account.objects.get(pk=own.pk).password == own.password


def test_a_password_can_be_set(admin, graphql, account):
    """By the form of Django, under our policy."""
    address = reverse("admin:auth_user_password_change", args=[account.pk])
    assert admin.get(address).status_code == 200
    weak = admin.post(address, {"password1": "short", "password2": "short", "usable_password": "true"})
    assert weak.status_code == 200

    new = "a passphrase of the holder"
    response = admin.post(address, {"password1": new, "password2": new, "usable_password": "true"})

    assert response.status_code == 302
    for password, expected in ((new, []), (PASSWORD, ["INVALID_CREDENTIALS"])):
        payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": password}).data["tokenAuth"]
        assert codes(payload) == expected


def test_the_page_of_an_account_lists_sessions_and_identities(admin, graphql, signed_in):
    """With client and address, and nothing secret."""
    UserSocialAuth.objects.create(
        user=signed_in.account,
        provider="google-oauth2",
        uid="sub-1234",
        extra_data={"access_token": "ya29.secret"},
    )

    content = admin.get(page("account", "change", signed_in.account.pk)).content.decode()

    assert "sub-1234" in content
    assert "127.0.0.1" in content
    for secret in (
        signed_in.access_token,
        signed_in.refresh_token,
        "ya29.secret",
        checksum(signed_in.refresh_token),
    ):
        assert secret not in content
    assert str(Session.objects.get().token_family) not in content


def test_ending_a_session_inline_kills_its_tokens(admin, graphql, sign_in, account):
    """S21: and the other session lives on."""
    phone, laptop = sign_in(account), sign_in(account)
    doomed = Session.objects.get(
        token_family=RefreshToken.objects.get(token_checksum=checksum(phone.refresh_token)).token_family
    )
    address = page("account", "change", account.pk)
    response = admin.get(address)
    given = form_of(response)
    (index,) = [n for n in range(2) if str(given[f"sessions-{n}-id"]) == str(doomed.pk)]

    response = admin.post(address, {**given, f"sessions-{index}-DELETE": "on"})

    assert response.status_code == 302
    assert graphql(ME, token=phone.access_token).status == 401
    payload = graphql(REFRESH, input={"refreshToken": phone.refresh_token}).data["refreshToken"]
    assert codes(payload) == ["INVALID_GRANT"]
    assert graphql(ME, token=laptop.access_token).status == 200


def test_ending_a_session_from_the_list_kills_its_tokens(admin, graphql, sign_in, account):
    """S21: by the action and by the page."""
    one, two = sign_in(account), sign_in(account)
    first, second = Session.objects.order_by("created_at")

    by_page = admin.post(page("session", "delete", first.pk), {"post": "yes"})
    by_action = admin.post(
        page("session"), {"action": "delete_selected", "_selected_action": [str(second.pk)], "post": "yes"}
    )

    assert (by_page.status_code, by_action.status_code) == (302, 302)
    assert not Session.objects.exists()
    for tokens in (one, two):
        assert graphql(ME, token=tokens.access_token).status == 401


def association() -> Association:
    """What social-core would share with an OpenID 2.0 provider."""
    return Association.objects.create(
        server_url="https://op.example", handle="h", secret="a-shared-secret", issued=1, lifetime=2, assoc_type="HMAC"
    )


TOKENS = {
    "accesstoken": lambda t: AccessToken.objects.get(token_checksum=checksum(t.access_token)),
    "refreshtoken": lambda t: RefreshToken.objects.get(token_checksum=checksum(t.refresh_token)),
    "session": lambda _t: Session.objects.get(),
    "usersocialauth": lambda t: UserSocialAuth.objects.create(user=t.account, provider="google-oauth2", uid="1"),
    "nonce": lambda _t: Nonce.objects.create(server_url="https://op.example", timestamp=1, salt="a-salt"),
    "association": lambda _t: association(),
}


@pytest.mark.parametrize("model", TOKENS)
def test_nobody_can_make_or_edit_what_opens_an_account(admin, signed_in, model):
    """S67: superusers neither; that would be minting a session for anyone."""
    row = TOKENS[model](signed_in)
    other = make_account()
    before = type(row).objects.values().get(pk=row.pk)

    assert admin.get(page(model, "add")).status_code == 403
    assert admin.post(page(model, "add"), {"user": other.pk, "account": other.pk}).status_code == 403
    response = admin.get(page(model, "change", row.pk))
    assert response.status_code == 200
    assert b'name="_save"' not in response.content
    forged = {"user": other.pk, "account": other.pk, "token_checksum": "0" * 64, "token": "x", "uid": "2"}
    assert admin.post(page(model, "change", row.pk), forged).status_code == 403

    assert type(row).objects.values().get(pk=row.pk) == before


@pytest.mark.parametrize("model", ["accesstoken", "refreshtoken", "usersocialauth", "nonce", "association"])
def test_tokens_and_identities_are_not_deleted_by_hand(admin, signed_in, model):
    """S67: ending a session is how tokens end."""
    row = TOKENS[model](signed_in)

    assert admin.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    admin.post(page(model), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})

    assert type(row).objects.filter(pk=row.pk).exists()


def test_no_page_shows_what_is_shared_with_a_provider(admin, signed_in):
    """S15: that secret would sign for the provider."""
    row = association()

    for address in (page("association"), page("association", "change", row.pk)):
        assert "a-shared-secret" not in admin.get(address).content.decode()


def test_the_administration_has_a_name(admin):
    """Ours, to be told from the tabs of others."""
    content = admin.get("/admin/").content.decode()

    assert "Latchkey administration</title>" in content
    assert "Django administration" not in content


@pytest.mark.parametrize(
    ("field", "given"), [("username", "PERSON"), ("username", "person"), ("email", "Person@example.com")]
)
def test_what_is_taken_is_told_in_one_wording(admin, graphql, field, given):
    """By both forms of the administration and by the API."""
    make_account(email="person@example.com", username="person")
    other = make_account()
    registration = {"email": "a@example.com", "username": "a", "firstName": "A", "password": PASSWORD, field: given}
    (told,) = graphql(REGISTER, input=registration).data["register"]["errors"]

    added = admin.post(page("account", "add"), {**NEW, field: given})
    address = page("account", "change", other.pk)
    changed = admin.post(address, {**form_of(admin.get(address)), field: given})

    assert errors_of(added) == errors_of(changed) == {field: [told["message"]]}


@pytest.mark.parametrize("model", ["accesstoken", "refreshtoken", "session"])
def test_no_page_of_a_token_shows_a_secret(admin, signed_in, model):
    """S67: neither the token nor the hash it is found by."""
    row = TOKENS[model](signed_in)

    for address in (page(model), page(model, "change", row.pk), page(model, "history", row.pk)):
        content = admin.get(address).content.decode()
        for token in (signed_in.access_token, signed_in.refresh_token):
            assert token not in content
            assert checksum(token) not in content


def add_client(admin, **fields: str):
    """Add one by the form."""
    response = admin.get(page("client", "add"))
    assert response.status_code == 200
    given = form_of(response)
    return admin.post(page("client", "add"), {**given, "name": "Shop", **fields})


def shown(response) -> tuple[str, Any]:
    """Id and secret on the page."""
    content = response.content.decode()
    found = [re.search(rf'id="{what}">([^<]+)<', content) for what in ("client-id", "client-secret")]
    assert found[0] is not None
    return html.unescape(found[0][1]), html.unescape(found[1][1]) if found[1] else None


def sign_in_with(graphql, account, **given):
    """The codes of `tokenAuth`."""
    return codes(graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD, **given}).data["tokenAuth"])


def test_a_confidential_client_can_be_added_and_works(admin, graphql, account):
    """Id and secret as shown work in `tokenAuth`, and without the secret nothing does."""
    response = add_client(admin, client_type=Client.CLIENT_CONFIDENTIAL)

    client_id, secret = shown(response)
    assert "no-store" in response["Cache-Control"]
    assert len(secret) >= 64
    assert Client.objects.get(client_id=client_id).first_party
    assert sign_in_with(graphql, account, clientId=client_id) == ["INVALID_CLIENT"]
    assert sign_in_with(graphql, account, clientId=client_id, clientSecret=secret) == []


def test_a_public_client_can_be_added_and_works(admin, graphql, account):
    """It has no secret to show."""
    client_id, secret = shown(add_client(admin, client_type=Client.CLIENT_PUBLIC))

    assert secret is None
    assert sign_in_with(graphql, account, clientId=client_id) == []
    assert sign_in_with(graphql, account, clientId=client_id, clientSecret="x") == ["INVALID_CLIENT"]


def test_a_client_that_is_not_first_party_is_refused(admin, graphql, account):
    """S60: INVALID_CLIENT, with the right secret too."""
    response = admin.get(page("client", "add"))
    given = form_of(response)
    given.pop("first_party", None)
    response = admin.post(
        page("client", "add"),
        {
            **given,
            "name": "Other",
            "client_type": Client.CLIENT_CONFIDENTIAL,
            "redirect_uris": "https://other.example/cb",
        },
    )

    client_id, secret = shown(response)
    assert not Client.objects.get(client_id=client_id).first_party
    assert sign_in_with(graphql, account, clientId=client_id, clientSecret=secret) == ["INVALID_CLIENT"]


def test_a_secret_is_shown_exactly_once(admin, graphql):
    """Neither later, nor in a cookie, the history or the database."""
    response = add_client(admin, client_type=Client.CLIENT_CONFIDENTIAL)
    client_id, secret = shown(response)
    client = Client.objects.get(client_id=client_id)

    assert all(secret not in morsel.value for morsel in admin.cookies.values())
    assert secret not in str(Client.objects.values_list().get(pk=client.pk))
    for address in (
        page("client"),
        page("client", "change", client.pk),
        page("client", "history", client.pk),
    ):
        content = admin.get(address).content.decode()
        assert secret not in content
        assert html.escape(client.client_secret) not in content
    assert secret not in admin.get("/admin/").content.decode()


def test_a_secret_can_be_replaced(admin, graphql, account):
    """The old one stops working at once."""
    client, old = make_client(client_type=Client.CLIENT_CONFIDENTIAL)

    response = admin.post(page("client"), {"action": "replace_secret", "_selected_action": [str(client.pk)]})

    client_id, new = shown(response)
    assert "no-store" in response["Cache-Control"]
    assert client_id == client.client_id
    assert sign_in_with(graphql, account, clientId=client_id, clientSecret=old) == ["INVALID_CLIENT"]
    assert sign_in_with(graphql, account, clientId=client_id, clientSecret=new) == []


@pytest.mark.parametrize("count", [1, 2])
def test_only_one_confidential_clients_secret_can_be_replaced(admin, count):
    """A public one has none, and two cannot be shown."""
    kind = Client.CLIENT_PUBLIC if count == 1 else Client.CLIENT_CONFIDENTIAL
    clients = [make_client(client_type=kind)[0] for _ in range(count)]
    before = set(Client.objects.values_list("client_secret", flat=True))

    response = admin.post(
        page("client"),
        {"action": "replace_secret", "_selected_action": [str(client.pk) for client in clients]},
    )

    assert response.status_code == 302
    assert set(Client.objects.values_list("client_secret", flat=True)) == before


def test_a_clients_id_and_kind_cannot_be_changed(admin, graphql, account):
    """Else whoever has a public client's stored secret could authenticate as it."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL, name="Shop")
    address = page("client", "change", client.pk)
    given = form_of(admin.get(address))

    response = admin.post(address, {**given, "name": "Shop 2", "client_id": "x", "client_type": Client.CLIENT_PUBLIC})

    assert response.status_code == 302
    again = Client.objects.get(pk=client.pk)
    assert (again.name, again.client_id, again.client_type) == (
        "Shop 2",
        client.client_id,
        client.client_type,
    )
    assert sign_in_with(graphql, account, clientId=client.client_id, clientSecret=secret) == []


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "not a uri", "https://x.example/#fragment"])
def test_a_redirect_uri_is_checked(admin, uri):
    """DOT's rules, as an error of the form."""
    response = add_client(admin, client_type=Client.CLIENT_PUBLIC, redirect_uris=uri)

    assert response.status_code == 200
    assert response.context["adminform"].form.errors
    assert not Client.objects.filter(name="Shop").exists()


def test_no_client_claims_to_open_the_service_to_an_origin(admin):
    """CORS_ALLOWED_ORIGINS decides: DOT's column says it does, and never answered a preflight."""
    assert "allowed_origins" not in form_of(admin.get(page("client", "add")))
    assert "allowed_origins" not in {field.name for field in Client._meta.get_fields()}
    assert not make_client()[0].origin_allowed("https://a.example")


def test_a_client_can_be_deleted_with_its_sessions(admin, graphql, sign_in, account):
    """Its tokens stop working at once."""
    oauth_client, _ = make_client()
    tokens = sign_in(account, clientId=oauth_client.client_id)

    response = admin.post(page("client", "delete", oauth_client.pk), {"post": "yes"})

    assert response.status_code == 302
    assert not Client.objects.filter(pk=oauth_client.pk).exists()
    assert graphql(ME, token=tokens.access_token).status == 401


def test_an_account_can_be_deleted_although_it_has_tokens(admin, graphql, signed_in):
    """With everything that opens it."""
    UserSocialAuth.objects.create(user=signed_in.account, provider="google-oauth2", uid="1")
    address = page("account", "delete", signed_in.account.pk)
    assert admin.get(address).status_code == 200

    response = admin.post(address, {"post": "yes"})

    assert response.status_code == 302
    assert not Account.objects.filter(pk=signed_in.account.pk).exists()
    assert not (Session.objects.exists() or RefreshToken.objects.exists() or UserSocialAuth.objects.exists())
    assert graphql(ME, token=signed_in.access_token).status == 401


@pytest.fixture
def staff(admin_browser, db):
    """Somebody who may enter, with the permissions that are named."""

    def enter(*permissions: str):
        somebody = make_account(email="staff@example.com", is_staff=True)
        somebody.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        admin_browser.force_login(somebody)
        return admin_browser

    return enter


@pytest.mark.parametrize("model", ["account", "client", "session", "accesstoken", "refreshtoken", "usersocialauth"])
def test_staff_without_permissions_see_nothing(staff, signed_in, model):
    """Being staff opens the door alone."""
    browser = staff()

    assert browser.get(page(model)).status_code == 403
    assert browser.get(page(model, "add")).status_code == 403
    assert signed_in.account.email.encode() not in browser.get("/admin/").content


def test_who_may_only_look_cannot_end_sessions(staff, graphql, signed_in):
    """Ending is for those who may change accounts."""
    browser = staff("view_account", "view_session", "delete_session", "view_refreshtoken")
    session = Session.objects.get()

    assert browser.get(page("session")).status_code == 200
    assert browser.post(page("session", "delete", session.pk), {"post": "yes"}).status_code == 403
    browser.post(page("session"), {"action": "delete_selected", "_selected_action": [str(session.pk)], "post": "yes"})

    assert graphql(ME, token=signed_in.access_token).status == 200


def test_who_may_only_look_at_clients_replaces_no_secret(staff):
    """An action is a change."""
    browser = staff("view_client")
    oauth_client, _ = make_client(client_type=Client.CLIENT_CONFIDENTIAL)

    response = browser.post(page("client"), {"action": "replace_secret", "_selected_action": [str(oauth_client.pk)]})

    assert b"client-secret" not in response.content
    assert Client.objects.get(pk=oauth_client.pk).client_secret == oauth_client.client_secret


def test_staff_cannot_make_themselves_superusers(staff):
    """Who may change accounts but is no superuser must not rise above themselves."""
    browser = staff("view_account", "change_account")
    me = Account.objects.get(email="staff@example.com")
    address = page("account", "change", me.pk)
    given = form_of(browser.get(address))

    browser.post(address, {**given, "is_superuser": "on", "is_staff": "on"})

    assert not Account.objects.get(pk=me.pk).is_superuser


def test_staff_cannot_set_a_superusers_password(staff):
    """The same by another way."""
    browser = staff("view_account", "change_account")
    root = Account.objects.create_superuser("root@example.com", STAFF_PASSWORD, username="root", first_name="Root")
    new = "a passphrase of the intruder"

    browser.post(
        reverse("admin:auth_user_password_change", args=[root.pk]),
        {"password1": new, "password2": new, "usable_password": "true"},
    )

    assert not Account.objects.get(pk=root.pk).check_password(new)
