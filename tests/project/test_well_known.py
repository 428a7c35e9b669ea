"""Well-known addresses besides the OAuth metadata."""

from dataclasses import replace

import pytest

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
