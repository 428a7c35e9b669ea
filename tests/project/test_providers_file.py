"""PROVIDERS_FILE: its tables stand for variables, and what is wrong is refused by its key."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.project.test_settings import loaded

FILE = """
[google]
client_ids = ["web.apps.googleusercontent.com", "ios.apps.googleusercontent.com"]
client_secret_file = "google.secret"
nonce_required = false

[github]
client_id = "Iv1.abc"
client_secret = "a secret"
api_url = "https://github.example/api"

[openid.keycloak]
issuer = "https://id.example.com/realms/main"
client_ids = ["latchkey"]

[openid.azure-b2c]
issuer = "https://b2c.example.com"
client_ids = ["one"]
label = "Work account"
"""


@pytest.fixture
def providers(tmp_path):
    """The providers of a file in production, by name."""
    (tmp_path / "google.secret").write_text("from a file\n")
    path = tmp_path / "providers.toml"

    def configured(text: str = FILE, **environment: str) -> dict[str, Any]:
        path.write_text(text)
        found = loaded(PROVIDERS_FILE=str(path), **environment)["LATCHKEY"].providers
        return {provider.name: provider for provider in found}

    return configured


def test_the_tables_enable_providers(providers):
    """In the order of the environment's; those of other OpenID providers as they stand in the file."""
    found = providers()

    assert list(found) == ["google-oauth2", "github", "keycloak", "azure-b2c"]
    google = found["google-oauth2"]
    assert google.client_ids == ("web.apps.googleusercontent.com", "ios.apps.googleusercontent.com")
    assert (google.client_secret, google.nonce_required) == ("from a file", False)
    assert found["github"].endpoints.api == "https://github.example/api"
    assert (found["keycloak"].issuer, found["azure-b2c"].label) == (
        "https://id.example.com/realms/main",
        "Work account",
    )


def test_the_environment_wins(providers):
    """As it wins over `.env`."""
    google = providers(GOOGLE_CLIENT_IDS="other", GOOGLE_CLIENT_SECRET="its own")["google-oauth2"]

    assert (google.client_ids, google.client_secret) == (("other",), "its own")


def test_what_the_file_sets_is_no_variable_that_nothing_reads(providers, tmp_path):
    """Nor is a variable of a provider that only the file names (check accounts.W001)."""
    providers()
    found = loaded(PROVIDERS_FILE=str(tmp_path / "providers.toml"), OPENID_KEYCLOAK_LABEL="Staff")

    assert found["UNREAD_VARIABLES"] == {}
    assert found["LATCHKEY"].providers[2].label == "Staff"


def test_without_a_file_nothing_is_enabled():
    """It is optional."""
    assert loaded()["LATCHKEY"].providers == ()


OPENID = '[openid.keycloak]\nissuer = "https://a"\nclient_ids = ["a"]\n'
REFUSED = {
    '[googel]\nclient_ids = ["a"]': "googel is none of: google, apple, facebook, microsoft, github, openid.",
    '[google]\nclient_id = "a"': "google.client_id is none of: client_ids, ",
    'google = "a"': "google is no table.",
    '[google]\nclient_ids = ["a,b"]': "google.client_ids takes a list of texts without commas.",
    "[google]\nclient_ids = 1.5": "google.client_ids takes a text, a list",
    '[google]\nclient_ids = ["a"]\nnonce_required = "perhaps"': "google.nonce_required is neither true nor false.",
    '[google]\nclient_secret_file = "no-such-file"': "google.client_secret_file names a file that cannot be read.",
    "[google]\nclient_secret_file = 5": "google.client_secret_file names a file that cannot be read.",
    '[google]\nclient_secret = "hunter2"\nclient_secret_file = "google.secret"': (
        "google.client_secret_file is there with and without _file."
    ),
    '[apple]\nprivate_key = "hunter2"': "apple.private_key is not the text of a .p8 file.",
    '[openid.keycloak]\nclient_ids = ["a"]': "set openid.keycloak.issuer and openid.keycloak.client_ids.",
    f'{OPENID}scope = "x"': "openid.keycloak.scope is none of: label, client_ids, ",
    f'{OPENID}algorithms = ["none"]': "openid.keycloak.algorithms is not a list of ",
    f'{OPENID.replace("keycloak", "google")}[google]\nclient_ids = ["a"]': "openid names a provider twice",
    '[openid.Keycloak]\nissuer = "https://a"': "openid.Keycloak is no name of a-z",
    'openid = ["keycloak"]': "openid takes a table for each provider",
    "[google": "the file is not TOML: ",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_wrong_is_refused_by_its_key(providers, text):
    """Without a value, which may be a secret."""
    with pytest.raises(ImproperlyConfigured) as refusal:
        providers(text)

    assert str(refusal.value).startswith("PROVIDERS_FILE: ")
    assert REFUSED[text] in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_variable_that_is_wrong_is_refused_by_its_name(providers):
    """The file's key would mislead."""
    with pytest.raises(ImproperlyConfigured, match=r"^GOOGLE_NONCE_REQUIRED is neither"):
        providers(GOOGLE_NONCE_REQUIRED="perhaps")
