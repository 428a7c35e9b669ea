"""Well-known addresses besides the OAuth metadata."""

from dataclasses import replace

import pytest

from accounts.conf import android_apps, apple_apps
from accounts.factors.webauthn import origins, related_origins

CHANGE_PASSWORD = "/.well-known/change-password"


@pytest.mark.parametrize(
    ("front_end", "target"),
    [
        ("", "http://localhost:8000/"),
        ("https://www.example.com", "https://www.example.com/"),
        ("https://example.com/app/", "https://example.com/app/"),
        ("com.example.app:/", "http://localhost:8000/"),
    ],
)
def test_it_leads_to_the_account_page(client, settings, front_end, target):
    """S91: of the front end in the settings, never of the Host header. A browser follows no app's own scheme."""
    settings.LATCHKEY = replace(settings.LATCHKEY, front_end_url=front_end)

    response = client.get(CHANGE_PASSWORD, headers={"Host": "127.0.0.1"})

    assert (response.status_code, response["Location"]) == (302, target)


def test_without_a_public_url_it_leads_nowhere(client, settings):
    """S91."""
    settings.LATCHKEY = replace(settings.LATCHKEY, public_urls=())

    assert client.get(CHANGE_PASSWORD).status_code == 404


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_an_unknown_name_is_no_page(client, accept):
    """W3C: password managers ask for it to find out whether a status can be believed."""
    path = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"

    assert client.get(path, headers={"Accept": accept}).status_code == 404


def test_a_refused_token_names_no_metadata_without_a_public_url(client, settings, default_client):
    """S91: rather than a URL of the Host header's making."""
    settings.LATCHKEY = replace(settings.LATCHKEY, public_urls=())

    response = client.get("/graphql", {"query": "{ me { id } }"}, headers={"Authorization": "Bearer unknown"})

    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


FINGERPRINT = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
OTHER = "00:" * 31 + "FF"
FILES = ["assetlinks.json", "apple-app-site-association", "webauthn"]
APPS = {
    "android_apps": android_apps(
        f"com.example.app={FINGERPRINT},com.example.other={OTHER},com.example.app={OTHER.lower()}"
    ),
    "apple_apps": apple_apps("A1B2C3D4E5.com.example.app, A1B2C3D4E5.com.example.other"),
    "passkey_rp_id": "example.com",
    "passkey_origins": ("https://www.example.com", "https://example.org", "https://example.net:8443"),
}


@pytest.fixture
def with_apps(settings):
    """A service that has apps and front ends of several domains."""
    settings.LATCHKEY = replace(settings.LATCHKEY, **APPS)


def test_android_is_told_the_apps_that_share_credentials(client, with_apps):
    """Passkeys need the first relation, saved passwords the second. A package has all its certificates together."""
    assert client.get("/.well-known/assetlinks.json").json() == [
        {
            "relation": ["delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"],
            "target": {"namespace": "android_app", "package_name": package, "sha256_cert_fingerprints": fingerprints},
        }
        for package, fingerprints in [("com.example.app", [FINGERPRINT, OTHER]), ("com.example.other", [OTHER])]
    ]


def test_apples_systems_are_told_the_apps_that_share_credentials(client, with_apps):
    """And nothing about links."""
    assert client.get("/.well-known/apple-app-site-association").json() == {
        "webcredentials": {"apps": ["A1B2C3D4E5.com.example.app", "A1B2C3D4E5.com.example.other"]}
    }


def test_browsers_are_told_the_related_origins(client, with_apps):
    """WebAuthn level 3 §5.11: pages within the domain of the passkeys need no mention."""
    assert client.get("/.well-known/webauthn").json() == {
        "origins": ["https://example.org", "https://example.net:8443"]
    }


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_json_that_may_be_stored(client, with_apps, name):
    """Also for Apple, whose file's name has no ending."""
    response = client.get(f"/.well-known/{name}")

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("name", FILES)
def test_there_is_no_file_about_nobody(client, settings, name):
    """An empty one would say that the host shares credentials with no app, for as long as it is stored."""
    settings.LATCHKEY = replace(settings.LATCHKEY, **dict.fromkeys(APPS, ()) | {"passkey_rp_id": "example.com"})

    assert client.get(f"/.well-known/{name}").status_code == 404


@pytest.mark.parametrize("name", FILES)
def test_the_files_can_only_be_read(client, with_apps, name):
    """S81."""
    response = client.post(f"/.well-known/{name}")

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


def test_the_apps_may_use_passkeys_too(settings):
    """Android states the hash of the certificate, Apple's systems the RP id: the apps need no other setting."""
    settings.LATCHKEY = replace(settings.LATCHKEY, **APPS | {"passkey_origins": ()})

    assert origins() == (
        "android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU",
        "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8",
        "https://example.com",
    )
    assert related_origins() == ()


@pytest.mark.parametrize(
    ("parse", "text", "item"),
    [
        (android_apps, f"com.example.app={FINGERPRINT},com.example.app", 2),
        (android_apps, f"com.example.app={FINGERPRINT[:-1]}", 1),
        (android_apps, f"com.example.app={FINGERPRINT.replace(':', '')}", 1),
        (android_apps, f"example={FINGERPRINT}", 1),
        (android_apps, f"com.1example={FINGERPRINT}", 1),
        (apple_apps, "A1B2C3D4E5.com.example.app,com.example.app", 2),
        (apple_apps, "A1B2C3D4E5", 1),
        (apple_apps, "A1B2C3D4E5.com.example.*", 1),
    ],
)
def test_an_app_that_is_none_is_refused(parse, text, item):
    """By its place in the list."""
    with pytest.raises(ValueError, match=f"item {item} is not"):
        parse(text)
