"""Alerts, dashboard and page speak of metrics that there are, and of all of them."""

import json
import os
import re
import subprocess

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from project.metrics import registry
from tests.live import ROOT
from tests.metrics.scraping import Response
from tests.tools import program

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/latchkey.json"
PAGE = ROOT / "docs/metrics.md"
OF_PROMETHEUS = {"up"}
"""Series that Prometheus makes itself."""


@pytest.fixture
def scraped(transactional_db):
    """All metrics, as a scrape shows them. The queue is read in a thread, which sees what is committed only."""
    return generate_latest(registry()).decode()


@pytest.fixture
def names(scraped):
    """The names of all series that there are or could be."""
    return Response(200, {}, scraped).names


def rules():
    """The alerts."""
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return group["rules"]


def expressions_of_panels():
    """What the dashboard asks for, by panel."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels if "targets" in panel}


def series_in(expression):
    """The names of series in an expression: words of ours, and those before a selector."""
    return set(re.findall(r"\blatchkey_\w+|\b\w+(?=\{)", re.sub(r'"[^"]*"', '""', expression)))


def test_there_are_ten_alerts_on_metrics_that_exist(names):
    """One on a metric that was renamed would never fire."""
    assert len(rules()) == 10
    for rule in rules():
        assert series_in(rule["expr"])
        assert series_in(rule["expr"]) <= names | OF_PROMETHEUS, rule["alert"]


def test_the_dashboard_asks_for_metrics_that_exist_and_for_all(names):
    """A panel on another would be empty; of a histogram, its buckets are enough."""
    asked = {title: set().union(*map(series_in, texts)) for title, texts in expressions_of_panels().items()}
    shown = set().union(*asked.values())

    for title, series in asked.items():
        assert series, title
        assert series <= names | OF_PROMETHEUS, title
    assert {name for name in names if not name.endswith(("_sum", "_count"))} <= shown


def test_the_dashboard_can_be_imported():
    """As Grafana's model of a dashboard has it: each panel in a place of its own."""
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 36
    assert {panel["type"] for panel in panels} <= {"row", "stat", "timeseries", "table"}
    assert len({panel["id"] for panel in panels}) == len(panels) > 20
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
    assert "id" not in dashboard


def test_prometheus_understands_the_rules_and_each_fires_for_its_fault_alone():
    """With tests of their own, in Prometheus's format."""
    promtool = program("promtool")
    for arguments in (
        ["check", "rules", "deploy/prometheus/alerts.yml"],
        ["test", "rules", "tests/metrics/alerts_test.yml"],
        ["check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"],
    ):
        done = subprocess.run([promtool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_the_rules_name_every_alert():
    """An alert without one might never fire."""
    tested = (ROOT / "tests/metrics/alerts_test.yml").read_text()

    assert rules()
    for rule in rules():
        assert f'alertname="{rule["alert"]}"' in tested


def test_prometheus_understands_every_panel(tmp_path):
    """As a rule, since promtool checks no dashboards."""
    promtool = program("promtool")
    texts = [text for texts in expressions_of_panels().values() for text in texts]
    variables = {"$__rate_interval": "5m", "$__range": "6h", "$instance": ".*"}
    for name, value in variables.items():
        texts = [text.replace(name, value) for text in texts]
    file = tmp_path / "panels.yml"
    recorded = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(texts)]
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": recorded}]}))

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)

    assert "$" not in "".join(texts)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_leads_to_its_paragraph():
    """What users see, where to look, what to do."""
    page = PAGE.read_text()
    assert rules()
    for rule in rules():
        heading = rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/metrics.md#{heading.lower()}"
        paragraph = page.partition(f"\n### {heading}\n")[2].partition("\n#")[0]
        for part in ("**Users**", "**Look**", "**Do**"):
            assert part in paragraph, f"{heading}: {part}"


def test_the_page_lists_every_metric(scraped):
    """`WRITE_DOCS=1 make test ARGS="tests/metrics/test_deploy.py -k page"` writes the table."""
    begin, end = "<!-- metrics -->\n", "<!-- end of metrics -->"
    before, _, rest = PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    now = f"{before}{begin}{_table(scraped)}{end}{after}"
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(now)

    assert PAGE.read_text() == now


def _table(scraped):
    lines = ["| Metric | Labels | Type | Meaning |", "|---|---|---|---|"]
    for family in text_string_to_metric_families(scraped):
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(f"`{name}`" for name in _labels()[family.name])
        lines.append(f"| `{family.name}{suffix}` | {labels} | {family.type} | {family.documentation} |")
    return "\n".join(lines) + "\n"


def _labels():
    """The names of labels, by metric."""
    from accounts.shared import metrics

    own = {metric._name: metric._labelnames for metric in metrics.REGISTRY._collector_to_names}
    at_scrape = {"latchkey_build_info": ("version", "python")}
    queue = dict.fromkeys(
        (f"latchkey_mail_queue_{name}" for name in ("readable", "due", "oldest_due_seconds", "dead_letters")), ()
    )
    return own | at_scrape | queue
