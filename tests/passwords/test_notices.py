"""Notices: what happens to an account, its holder is told by mail, if the address is verified (S62)."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from social_django.models import UserSocialAuth

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens import devices
from accounts.tokens.agents import device_name
from accounts.tokens.models import Client
from tests.api import CHANGE_PASSWORD, CONVERT, LINK, PASSWORD, REGISTER, SOCIAL_ACCOUNTS, TOKEN_AUTH, UNLINK
from tests.factories import make_account
from tests.mails import queued
from tests.people.test_admin import STAFF_PASSWORD, admin

__all__ = ["admin"]

NEW = "a passphrase of the holder"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Mobile/15E148 Safari/604.1"
)
HOME, SAME_NETWORK, ELSEWHERE = "8.8.4.4", "8.8.4.200", "8.8.5.4"


@pytest.fixture
def ada(db) -> Account:
    """Somebody whose address is verified."""
    return make_account(email="ada@example.com", email_verified=True)


@pytest.fixture
def arrive(graphql, client):
    """Sign in with the password, from an address and with an agent; returns the access token."""

    def post(account: Account, address: str = HOME, agent: str = FIREFOX) -> str:
        client.defaults["REMOTE_ADDR"] = address
        given = {"email": account.email, "password": PASSWORD}
        payload = graphql(TOKEN_AUTH, headers={"User-Agent": agent}, input=given).data["tokenAuth"]
        assert payload["errors"] == []
        return str(payload["tokens"]["accessToken"])

    return post


def notice(template: str) -> Mail:
    """The one notice of this kind; its code secures the account."""
    mail = Mail.objects.select_related("code", "client").get(template=template)
    assert mail.code is not None
    assert (mail.code.purpose, mail.code.account_id, mail.code.email) == (Purpose.SECURE, mail.account_id, mail.email)
    return mail


def test_the_first_sign_in_is_no_news(arrive, ada):
    """Nor is a registration: whoever made the account sits in front of it."""
    arrive(ada)

    assert queued(ada.email) == []


def test_a_new_account_gets_no_notice(graphql, providers):
    """Neither by registering nor through a provider, whose address is verified at once."""
    given = {"email": "grace@example.com", "username": "grace", "firstName": "Grace", "password": PASSWORD}
    graphql(REGISTER, input=given)
    credential = {"accessToken": providers.google_token()}
    graphql(CONVERT, input={"provider": "google", "credential": credential})

    assert not Mail.objects.filter(template="new_device").exists()


@pytest.mark.parametrize(
    ("address", "agent"), [(HOME, SAFARI), (ELSEWHERE, FIREFOX), ("2a00:1450::1", FIREFOX), (HOME, "")]
)
def test_a_sign_in_from_another_device_is_told(arrive, ada, address, agent):
    """Another browser, or another network: once."""
    arrive(ada)

    for _ in range(2):
        arrive(ada, address, agent)

    assert queued(ada.email) == ["new_device"]


@pytest.mark.parametrize(
    ("address", "agent"),
    [(HOME, FIREFOX), (SAME_NETWORK, FIREFOX), (HOME, FIREFOX.replace("128", "129"))],
)
def test_a_known_device_is_no_news(arrive, ada, address, agent):
    """The /24 of an address, and the name of a browser: providers renew addresses, browsers their version."""
    arrive(ada)

    arrive(ada, address, agent)

    assert queued(ada.email) == []


@pytest.mark.parametrize(("address", "news"), [("2a00:1450:4001:ffff::9", []), ("2a00:1450:4002::1", ["new_device"])])
def test_a_network_of_ipv6_is_a_48(arrive, ada, address, news):
    """As a home or an office has one."""
    arrive(ada, "2a00:1450:4001::1")

    arrive(ada, address)

    assert queued(ada.email) == news


def test_a_device_is_a_browser_at_a_place(arrive, ada):
    """A thief with the same browser elsewhere is no known device, nor one with another browser nearby."""
    arrive(ada)
    arrive(ada, ELSEWHERE, SAFARI)

    arrive(ada, HOME, SAFARI)

    assert queued(ada.email) == ["new_device"] * 2


def test_a_sign_in_through_a_provider_is_told_too(graphql, providers):
    """Whichever way tokens are issued."""
    credential = {"accessToken": providers.google_token()}
    given: dict[str, Any] = {"provider": "google", "credential": credential}
    graphql(CONVERT, input=given)

    given["credential"] = {"accessToken": providers.google_token()}
    assert graphql(CONVERT, headers={"User-Agent": SAFARI}, input=given).data["convertSocialToken"]["errors"] == []

    assert Mail.objects.filter(template="new_device").count() == 1


def test_a_notice_says_where_the_sign_in_came_from(arrive, ada):
    """And its link opens the front end of the client."""
    arrive(ada)
    arrive(ada, ELSEWHERE, SAFARI)

    mail = notice("new_device")
    assert mail.data == {"device": "Safari on iPhone", "ip_address": ELSEWHERE, "client_name": "Web"}
    assert mail.client == Client.objects.get()


@pytest.mark.parametrize(
    "agent",
    ["https://evil.example/", "evil.example/1.0 (+http://evil.example)", "Call-0800-evil.example Bot/1", "a" * 255],
)
def test_a_notice_repeats_no_link_of_the_agent(agent):
    """S62: whoever signs in chooses the agent."""
    name = devices.plain_name(agent)

    assert not set(name) & set(".:/@")
    assert len(name) <= devices.LONGEST_NAME


def refusals(account: Account, number: int) -> None:
    """Somebody fails to sign in, so many times."""
    SecurityEvent.objects.bulk_create(
        SecurityEvent(type=EventType.SIGN_IN_FAILED, subject=account.pk) for _ in range(number)
    )


def test_a_flood_of_refusals_hides_no_sign_in(arrive, ada):
    """Events that push the known devices out of sight cause a notice, and prevent none."""
    arrive(ada)
    refusals(ada, devices.RECENT)

    arrive(ada)

    assert queued(ada.email) == ["new_device"]


def test_a_device_behind_some_refusals_is_known(arrive, ada):
    """All but the oldest of RECENT events are refusals."""
    arrive(ada)
    refusals(ada, devices.RECENT - 1)

    arrive(ada)

    assert queued(ada.email) == []


@pytest.mark.parametrize(("others", "number"), [(0, 1), (devices.READ_FIRST, 2)])
def test_a_device_that_was_there_lately_is_found_by_one_statement(arrive, ada, others, number):
    """And the rest is read by one more only if it was not."""
    arrive(ada)
    refusals(ada, others)

    with CaptureQueriesContext(connection) as statements:
        arrive(ada)

    reads = [query["sql"] for query in statements if re.match(r'SELECT .* FROM "accounts_securityevent"', query["sql"])]
    assert len(reads) == number


def test_agents_from_elsewhere_are_not_parsed(arrive, ada, monkeypatch):
    """Hundreds of agents would cost as much as the hash."""
    arrive(ada)
    SecurityEvent.objects.bulk_create(
        SecurityEvent(type=EventType.SIGNED_IN, subject=ada.pk, ip_address=ELSEWHERE, user_agent=f"{SAFARI}{number}")
        for number in range(20)
    )
    parsed: set[str] = set()
    monkeypatch.setattr(devices, "device_name", lambda agent: parsed.add(agent) or device_name(agent))

    arrive(ada)

    assert parsed == {FIREFOX}


def test_a_device_of_an_intruder_is_not_known(arrive, ada):
    """Once its holder has secured the account, a sign-in from there is told again."""
    arrive(ada)
    SecurityEvent.objects.create(type=EventType.SECURED, subject=ada.pk)

    arrive(ada)

    assert queued(ada.email) == ["new_device"]


def test_the_first_sign_in_after_a_takeover_is_no_news(arrive, graphql):
    """S9: whoever squatted on the address had signed in; its holder has not."""
    squatted = make_account(email="ada@example.com")
    arrive(squatted, ELSEWHERE)
    squatted.refresh_from_db()
    squatted.hand_over(encoded=make_account().password)

    arrive(squatted)
    assert queued(squatted.email) == []

    arrive(squatted, ELSEWHERE)
    assert queued(squatted.email) == ["new_device"]


def test_another_accounts_devices_are_not_ones_own(arrive, ada):
    """Two people share an office, one of whom knows the other's password."""
    arrive(ada, ELSEWHERE, SAFARI)
    arrive(make_account(email_verified=True))

    arrive(ada)

    assert queued(ada.email) == ["new_device"]


def test_an_unverified_address_gets_no_notice(arrive, graphql, db):
    """S62: it may be a stranger's, and the account's holder chose it."""
    account = make_account(email="ada@example.com")
    arrive(account)
    token = arrive(account, ELSEWHERE, SAFARI)
    graphql(CHANGE_PASSWORD, token=token, input={"currentPassword": PASSWORD, "newPassword": NEW})

    assert queued(account.email) == []
    assert not MailedCode.objects.exists()


def test_a_changed_password_is_told(arrive, graphql, ada):
    """In the language of the account, for the front end of the session's client."""
    Account.objects.update(locale="de")
    token = arrive(ada)

    graphql(CHANGE_PASSWORD, token=token, input={"currentPassword": PASSWORD, "newPassword": NEW})

    mail = notice("password_changed")
    assert (mail.email, mail.locale, mail.client, mail.data) == (ada.email, "de", Client.objects.get(), {})


def test_a_password_that_was_refused_is_not_told(arrive, graphql, ada):
    """A wrong present one."""
    token = arrive(ada)

    graphql(CHANGE_PASSWORD, token=token, input={"currentPassword": NEW, "newPassword": NEW})

    assert queued(ada.email) == []


def change_own(admin: Any, old: str) -> Any:
    """Fill the form for one's own password."""
    given = {"old_password": old, "new_password1": NEW, "new_password2": NEW}
    return admin.post(reverse("admin:password_change"), given)


def set_for(admin: Any, account: Account, new: str = NEW) -> Any:
    """Fill the form for somebody's password."""
    given = {"password1": new, "password2": new, "usable_password": "true"}
    return admin.post(reverse("admin:auth_user_password_change", args=[account.pk]), given)


@pytest.mark.parametrize(("verified", "told"), [(True, ["password_changed"]), (False, [])])
def test_ones_own_password_in_the_administration_is_told(admin, verified, told):
    """To a verified address, as everywhere."""
    Account.objects.update(email_verified=verified)

    assert change_own(admin, STAFF_PASSWORD).status_code == 302

    assert queued("root@example.com") == told


@pytest.mark.parametrize(("verified", "told"), [(True, ["password_changed"]), (False, [])])
def test_a_password_that_staff_set_is_told_to_the_holder(admin, verified, told):
    """Not to the member of staff."""
    account = make_account(email_verified=verified)

    assert set_for(admin, account).status_code == 302

    assert Account.objects.get(pk=account.pk).check_password(NEW)
    assert queued(account.email) == told
    assert queued("root@example.com") == []


def test_refused_forms_of_the_administration_tell_nothing(admin, ada):
    """A wrong old password, a weak new one."""
    Account.objects.update(email_verified=True)

    assert change_own(admin, "not the password").status_code == 200
    assert set_for(admin, ada, "weak").status_code == 200

    assert not Mail.objects.exists()


def linking(providers: Any) -> dict[str, Any]:
    """The input that links an identity at Google."""
    credential = {"accessToken": providers.google_token(email="other@example.com")}
    return {"source": {"credential": {"provider": "google", "credential": credential}}}


def test_linked_and_unlinked_identities_are_told(arrive, graphql, providers, ada):
    """Once each, by the provider's label; linking again changes nothing."""
    token = arrive(ada)
    for _ in range(2):
        graphql(LINK, token=token, input=linking(providers))
    assert queued(ada.email) == ["social_linked"]
    query = f"{{ me {{ {SOCIAL_ACCOUNTS} }} }}"
    id_ = graphql(query, token=token).data["me"]["socialAccounts"][0]["id"]

    assert graphql(UNLINK, token=token, input={"id": id_}).data["unlinkSocialAccount"]["errors"] == []

    assert queued(ada.email) == ["social_linked", "social_unlinked"]
    for template in ("social_linked", "social_unlinked"):
        mail = notice(template)
        assert (mail.data, mail.client) == ({"provider": "Google"}, Client.objects.get())


@pytest.mark.parametrize("mutation", [LINK, UNLINK])
def test_a_refused_link_is_not_told(arrive, graphql, providers, ada, mutation):
    """The identity is somebody else's; there is none with that id."""
    token = arrive(ada)
    other = make_account()
    UserSocialAuth.objects.create(user=other, provider="google-oauth2", uid="110169484474386276334", id_key="sub")

    given = linking(providers) if mutation == LINK else {"id": "made-up-id-of-nothing"}
    (payload,) = graphql(mutation, token=token, input=given).data.values()

    assert payload["errors"] != []
    assert queued(ada.email) == []
