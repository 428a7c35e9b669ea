"""The GraphQL over HTTP draft, as the audits of npm's graphql-http read it, against a running server."""

from collections import Counter
from typing import Any

import pytest

from tests.live import serving
from tests.tools import node

PRODUCTION = {
    "LATCHKEY_ENV": "production",
    "ALLOWED_HOSTS": "127.0.0.1",
    # There is no TLS proxy in front of this one.
    "SECURE_SSL_REDIRECT": "false",
    # Five of the audits send variables to `__type`, for want of another field that every service has.
    "INTROSPECTION": "true",
}


@pytest.fixture(scope="module", params=[{}, PRODUCTION], ids=["development", "production"])
def audits(request, tmp_path_factory) -> list[dict[str, Any]]:
    """What each audit found."""
    with serving(tmp_path_factory.mktemp("live"), **request.param) as live:
        results: list[dict[str, Any]] = node("audits.mjs", f"{live.url}/graphql")
    return results


def test_every_audit_passes(audits):
    """MUST, SHOULD and MAY: no error, no warning, no notice."""
    assert [(audit["name"], audit["reason"]) for audit in audits if audit["status"] != "ok"] == []


def test_none_of_the_audits_is_left_out(audits):
    """A new release of graphql-http may bring more: then this number is to be changed."""
    assert len({audit["id"] for audit in audits}) == len(audits) == 61
    assert Counter(audit["name"].split()[0] for audit in audits).keys() == {"MUST", "SHOULD", "MAY"}
