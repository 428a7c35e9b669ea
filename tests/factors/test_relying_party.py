"""Where passkeys belong, and which pages and apps may use them (S76)."""

from dataclasses import replace

import pytest

from accounts.conf import AndroidApp, latchkey
from accounts.factors.checks import (
    front_ends_may_use_passkeys,
    passkeys_have_a_domain,
    passkeys_have_a_page,
    related_origins_are_served,
)
from accounts.factors.webauthn import origins, related_origins, rp_id

HERE, WWW, APP, SHOP = (
    "https://accounts.example.com",
    "https://www.example.com",
    "https://app.example.com:8443",
    "https://shop.example",
)
ANDROID = AndroidApp("com.example.app", ":".join(["AB"] * 32))


@pytest.fixture
def deployed(settings):
    """A deployment with these settings."""

    def configure(**changes: object) -> None:
        given = {"development": False, "public_urls": (HERE,), "front_end_origins": (), **changes}
        settings.LATCHKEY = replace(settings.LATCHKEY, **given)

    return configure


def found() -> set[str]:
    """The ids of what the checks find."""
    checks = (
        passkeys_have_a_page,
        passkeys_have_a_domain,
        front_ends_may_use_passkeys,
        related_origins_are_served,
    )
    return {str(message.id) for check in checks for message in check()}


@pytest.mark.parametrize(
    ("settings_", "domain_"),
    [
        ({}, "accounts.example.com"),
        ({"passkey_rp_id": "example.com"}, "example.com"),
        ({"public_urls": ("https://Accounts.example.com:8443/auth",)}, "accounts.example.com"),
        ({"public_urls": ("https://192.0.2.1",)}, ""),
        ({"public_urls": ("https://[2001:db8::1]:8443",)}, ""),
        ({"public_urls": ("http://accounts.example.com",)}, ""),
        ({"public_urls": ()}, ""),
        ({"public_urls": ("http://localhost:8000",), "development": True}, "localhost"),
    ],
)
def test_the_domain_of_passkeys(deployed, settings_, domain_):
    """PASSKEY_RP_ID, or the host of PUBLIC_URL: no address, and in production nothing without TLS."""
    deployed(**settings_)

    assert rp_id() == domain_


def test_the_pages_at_the_domain_may_use_them(deployed):
    """This service and its front ends, with their ports; those elsewhere do not, unless they are listed."""
    deployed(passkey_rp_id="example.com", front_end_origins=(WWW, APP, SHOP, "https://evilexample.com"))

    assert origins() == (HERE, WWW, APP)
    assert related_origins() == ()


def test_the_default_port_is_none(deployed):
    """As browsers write origins."""
    deployed(public_urls=("https://accounts.example.com:443/auth",))

    assert origins() == (HERE,)


def test_listed_origins_are_all(deployed):
    """PASSKEY_ORIGINS replaces the defaults; pages elsewhere become related origins, apps do not."""
    app = "android:apk-key-hash:" + "A" * 43
    deployed(passkey_rp_id="example.com", front_end_origins=(APP,), passkey_origins=(WWW, SHOP, app))

    assert origins() == (WWW, SHOP, app)
    assert related_origins() == (SHOP,)


@pytest.mark.parametrize("listed", [(), (HERE,)])
def test_android_apps_may_use_them(deployed, listed):
    """ANDROID_APPS names them by the certificate that signs them."""
    deployed(android_apps=(ANDROID,), passkey_origins=listed)

    assert origins() == (HERE, ANDROID.origin)
    assert related_origins() == ()


@pytest.mark.parametrize(
    ("settings_", "ids"),
    [
        ({}, set()),
        ({"passkey_rp_id": "example.com", "front_end_origins": (WWW, APP)}, set()),
        ({"passkey_rp_id": "example.org"}, {"accounts.E007"}),
        ({"passkey_rp_id": "ample.com"}, {"accounts.E007"}),
        ({"passkey_origins": ("android:apk-key-hash:" + "A" * 43,)}, {"accounts.E007"}),
        ({"public_urls": ()}, {"accounts.W007"}),
        ({"front_end_origins": (WWW,)}, {"accounts.W008"}),
        ({"front_end_origins": (WWW,), "passkey_origins": (HERE, WWW)}, set()),
        ({"front_end_origins": ("capacitor://localhost",)}, set()),
        ({"passkey_origins": (HERE, SHOP)}, set()),
        ({"passkey_rp_id": "example.com", "passkey_origins": (HERE, SHOP)}, {"accounts.W009"}),
    ],
)
def test_a_deployment_where_passkeys_cannot_work_is_told(deployed, settings_, ids):
    """accounts.E007, W007, W008, W009."""
    deployed(**settings_)

    assert found() == ids


def test_development_is_told_nothing():
    """Passkeys belong to localhost there, and all local front ends may use them."""
    assert rp_id() == "localhost"
    assert found() == set()
    assert set(latchkey().front_end_origins) <= set(origins())
