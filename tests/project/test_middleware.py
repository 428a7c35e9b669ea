"""Middleware that most requests skip."""

import pytest
from csp.utils import build_policy

from tests.factories import make_account

ELSEWHERE = ["/", "/graphql", "/o/token/", "/.well-known/oauth-authorization-server", "/nothing", "/administration/"]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_session_means_nothing_outside_the_administration(db, admin_browser, path):
    """Its cookie is sent everywhere, and read nowhere else."""
    admin_browser.force_login(make_account(is_staff=True, is_superuser=True))

    request = admin_browser.get(path).wsgi_request

    assert not {"session", "user", "_messages"} & vars(request).keys()


def test_the_administration_has_sessions(db, admin_browser):
    """Of members of staff."""
    staff = make_account(is_staff=True, is_superuser=True)
    admin_browser.force_login(staff)

    response = admin_browser.get("/admin/")

    assert response.status_code == 200
    assert response.wsgi_request.user == staff


@pytest.mark.parametrize("path", ["/graphql", "/nothing", "/admin/login/"])
def test_the_usual_policy_is_that_of_the_settings(client, db, path):
    """S50: made once, and the same as django-csp's."""
    directives = set(client.get(path)["Content-Security-Policy"].split("; "))

    assert directives == set(build_policy().split("; "))
    assert "default-src 'self'" in directives
