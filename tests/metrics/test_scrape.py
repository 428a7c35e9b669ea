"""Who may scrape, and what comes back."""

import pytest

from tests.live import serving
from tests.metrics.scraping import OPENED, TOKEN, scrape


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A server as in production."""
    with serving(
        tmp_path_factory.mktemp("live"), LATCHKEY_ENV="production", ALLOWED_HOSTS="api.example.com", **OPENED
    ) as live:
        yield live


def test_a_scraper_needs_no_host_name_and_no_tls(live):
    """It asks each instance by its address."""
    scraped = scrape(live)

    assert scraped.status == 200
    assert scraped.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert scraped.headers["Cache-Control"] == "no-store"
    assert scraped.headers["X-Content-Type-Options"] == "nosniff"
    assert scraped.value("latchkey_build_info", version="0.1.0", python=_python()) == 1


def test_each_token_of_the_list_opens(live):
    """So that one can be replaced without a gap."""
    assert scrape(live, OPENED["METRICS_TOKENS"].partition(",")[0]).status == 200


@pytest.mark.parametrize("token", [None, "", "wrong", f"{TOKEN}x", TOKEN[:-1], TOKEN.upper(), OPENED["METRICS_TOKENS"]])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_nobody_else_learns_anything(live, token, method):
    """Neither a value nor a name."""
    refused = scrape(live, token, method=method)

    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert refused.headers["Cache-Control"] == "no-store"
    assert "latchkey" not in refused.text


@pytest.mark.parametrize("authorization", [f"Basic {TOKEN}", TOKEN, f"Bearer{TOKEN}", "Bearer \xe9", "\xff"])
def test_another_scheme_is_refused(live, authorization):
    """Whatever its bytes are."""
    assert scrape(live, None, Authorization=authorization).status == 401


def test_a_head_request_has_the_length_and_no_body(live):
    """RFC 9110 §9.3.2."""
    head = scrape(live, method="HEAD")

    assert (head.status, head.text) == (200, "")
    assert int(head.headers["Content-Length"]) > 1000


def test_other_methods_are_refused(live):
    """With the ones that there are."""
    refused = scrape(live, method="POST")

    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_openmetrics_is_spoken_to_those_who_ask_for_it(live):
    """As Prometheus does."""
    scraped = scrape(live, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")

    assert scraped.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert scraped.text.endswith("# EOF\n")


def test_without_tokens_there_are_no_metrics(tmp_path):
    """Not by address either, where Django would answer 400."""
    with serving(tmp_path, LATCHKEY_ENV="production", ALLOWED_HOSTS="api.example.com", METRICS_TOKENS="") as closed:
        for token in (None, TOKEN, ""):
            refused = scrape(closed, token)
            assert (refused.status, "latchkey" in refused.text) == (404, False)
            assert refused.headers["X-Content-Type-Options"] == "nosniff"


def _python() -> str:
    import platform

    return platform.python_version()
