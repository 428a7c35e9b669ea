"""The mail queue in the metrics: read from the database at a scrape, and never in the scraper's way."""

import time
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from accounts.mails.models import Mail
from accounts.shared import metrics
from project.metrics import LONGEST_READ, MailQueue
from tests.live import serving
from tests.metrics.scraping import OPENED, scrape

SLOW_MACHINE = 5
"""Seconds of grace for the machine that runs the tests. A scrape without a limit would take minutes."""


def scraped(queue):
    """What a scrape tells of the queue."""
    registry = CollectorRegistry()
    registry.register(metrics.REGISTRY)
    registry.register(queue)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        sample.name.removeprefix("latchkey_mail_queue_"): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("latchkey_mail_queue_")
    }


@pytest.mark.django_db(transaction=True)
def test_what_is_due_how_old_it_is_and_what_was_given_up():
    """A mail that waits for its next attempt is not due."""
    now = timezone.now()
    mail = {"template": "sign_in", "email": "ada@example.com", "locale": "en"}
    Mail.objects.create(**mail, due_at=now - timedelta(seconds=90))
    Mail.objects.create(**mail, due_at=now - timedelta(seconds=10))
    Mail.objects.create(**mail, due_at=now + timedelta(minutes=10))
    Mail.objects.create(**mail, due_at=now - timedelta(days=2), dead_at=now)

    found = scraped(MailQueue())

    assert 90 <= found.pop("oldest_due_seconds") < 120
    assert found == {"readable": 1, "due": 2, "dead_letters": 1}


@pytest.mark.django_db(transaction=True)
def test_an_empty_queue_is_not_old():
    """Zero, and not the age of the world."""
    assert scraped(MailQueue()) == {"readable": 1, "due": 0, "oldest_due_seconds": 0, "dead_letters": 0}


@pytest.mark.django_db(transaction=True)
def test_scrapes_within_seconds_read_the_queue_once():
    """Whoever scrapes often costs the database nothing."""
    queue = MailQueue()
    scraped(queue)
    Mail.objects.create(template="sign_in", email="ada@example.com", locale="en")

    assert scraped(queue)["due"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_scrape_does_not_wait_for_a_database_that_hangs():
    """It says that the queue is unknown, and tells everything else. Later it is known again."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no locks of tables")
    settings = {name: connection.settings_dict[name] for name in ("NAME", "USER", "HOST", "PORT", "PASSWORD")}
    dsn = {"dbname" if name == "NAME" else name.lower(): value for name, value in settings.items() if value}
    queue = MailQueue()
    with psycopg.connect(**dsn) as blocking:
        blocking.execute("LOCK TABLE accounts_mail IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert scraped(queue) == {"readable": 0}
        assert time.monotonic() - started < LONGEST_READ + SLOW_MACHINE
    queue.forget()

    assert scraped(queue)["readable"] == 1


def test_a_scrape_tells_the_rest_while_the_database_is_gone(tmp_path):
    """And that it is gone."""
    with serving(tmp_path, **OPENED) as live:
        url = live.environment["DATABASE_URL"]
        if not url.startswith("postgres"):
            pytest.skip("SQLite is a file")
        assert scrape(live).value("latchkey_mail_queue_readable") == 1
        with psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{url.rpartition("/")[2]}"')
        for _ in range(100):
            assert live.post("{ me { id } }", headers={"Authorization": "Bearer x"})[0] >= 500
            if scrape(live).value("latchkey_mail_queue_readable") == 0:
                break
            time.sleep(0.2)

        scraped = scrape(live)

    assert scraped.status == 200
    assert scraped.value("latchkey_mail_queue_readable") == 0
    assert scraped.value("latchkey_mail_queue_due") is None
    assert scraped.total("latchkey_graphql_requests_total", operation="me") >= 1
    assert scraped.total("latchkey_http_responses_total") == scraped.total("latchkey_graphql_requests_total")
