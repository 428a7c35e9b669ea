"""compose.yaml and the Kubernetes manifest: what they promise about privileges, order and secrets."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documents import ROOT
from tests.tools import program

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
KUBERNETES: list[dict[str, Any]] = [*yaml.safe_load_all((ROOT / "deploy/kubernetes/latchkey.yaml").read_text())]
DECLARED = set(re.findall(r"^\| `([A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))


def pods() -> dict[str, dict[str, Any]]:
    """The pods' specifications, by the kind of what makes them."""
    by_kind = {item["kind"]: item["spec"] for item in KUBERNETES if "spec" in item}
    templates = {**by_kind, "CronJob": by_kind["CronJob"]["jobTemplate"]["spec"]}
    return {kind: templates[kind]["template"]["spec"] for kind in ("Job", "Deployment", "CronJob")}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_has_privileges_or_a_writable_tree(name):
    """Caddy may bind to the ports below 1024, and nothing else may more than nothing."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert "no-new-privileges:true" in service["security_opt"]


def test_only_the_proxy_is_reached_from_outside():
    """S55: otherwise anybody could state an address. The databases have no way out either."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_no_secret_is_a_variable(name):
    """S59: `docker inspect` shows variables to everybody who may talk to the daemon."""
    variables = OURS[name]["environment"]
    files = {variable: path for variable, path in variables.items() if variable.endswith("_FILE")}

    assert {variable.removesuffix("_FILE") for variable in variables} <= DECLARED
    secrets = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "MFA_KEYS", "DATABASE_URL", "EMAIL_URL"}
    assert set(files) == {f"{name}_FILE" for name in secrets}
    assert {path.rpartition("/")[2] for path in files.values()} == set(OURS[name]["secrets"]) <= set(COMPOSE["secrets"])


def test_nothing_serves_before_the_database_is_migrated():
    """And nothing migrates before the database answers."""
    waits = {
        name: {other: how["condition"] for other, how in s.get("depends_on", {}).items()} for name, s in OURS.items()
    }

    assert waits.pop("migrate")["postgres"] == "service_healthy"
    assert {of["migrate"] for of in waits.values()} == {"service_completed_successfully"}
    assert {"test"} <= set(SERVICES["postgres"]["healthcheck"])


def test_the_mails_are_sent_by_one_process():
    """The instances leave the queue to it."""
    assert {service["environment"]["MAIL_WORKER"] for service in OURS.values()} == {"false"}
    assert SERVICES["mails"]["command"] == ["manage", "send_queued_mail", "--forever"]


def test_caddy_knows_each_instance():
    """So that one is asked for its readiness while the other serves."""
    assert SERVICES["caddy"]["environment"]["UPSTREAMS"].split() == [
        f"{name}:8000" for name in SERVICES if "web" in name
    ]
    assert "./deploy/Caddyfile:/etc/caddy/Caddyfile:ro" in SERVICES["caddy"]["volumes"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the script, as in a fresh clone."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path / "deploy")
    return tmp_path


def make_secrets(clone: Path) -> str:
    """What the script says."""
    return subprocess.run([clone / "deploy" / "make-secrets"], capture_output=True, text=True, check=True).stdout


def test_make_secrets_writes_all_but_the_readers_own(clone):
    """Random, and the password within the URL is the database's."""
    said = make_secrets(clone)

    written = {path.name: path.read_text() for path in (clone / "secrets").iterdir()}
    assert {*written, "email_url"} == set(COMPOSE["secrets"])
    assert written["database_url"] == f"postgres://latchkey:{written['database_password']}@postgres:5432/latchkey"
    made = [written[name] for name in ("secret_key", "mfa_keys", "database_password")]
    assert all(re.fullmatch("[0-9a-f]{64}", secret) for secret in made)
    assert len({*made}) == len(made)
    assert "secrets/email_url is yours" in said
    assert written["secret_key"] not in said


def test_make_secrets_keeps_what_exists(clone):
    """A second run would end all sessions."""
    make_secrets(clone)
    before = {path.name: path.read_text() for path in (clone / "secrets").iterdir()}
    make_secrets(clone)

    assert {path.name: path.read_text() for path in (clone / "secrets").iterdir()} == before


def test_nobody_else_on_the_machine_can_read_the_secrets(clone):
    """The folder keeps others out; the files are open to the containers' users, whose numbers are others."""
    make_secrets(clone)

    assert stat.S_IMODE((clone / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (clone / "secrets").iterdir()} == {0o444}


def test_git_and_the_image_leave_the_secrets_out():
    """S59."""
    names = ["secrets/secret_key", ".env"]
    ignored = subprocess.run(
        [program("git"), "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ignored.stdout.split() == names
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if line and line[0] not in "#!") == "*"
    assert not [line for line in lines if line.startswith("!") and re.search(r"secret|env|tests|deploy|\.git", line)]


@pytest.mark.parametrize("kind", ["Job", "Deployment", "CronJob"])
def test_no_pod_has_privileges_or_a_writable_tree(kind):
    """As Kubernetes' restricted standard asks, and a read-only tree."""
    pod = pods()[kind]
    (container,) = pod["containers"]

    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - the only one


def test_what_is_applied_first_can_migrate():
    """By the label that docs/deploy.md selects: the Job with its settings, and no instance."""
    label = re.search(r"--selector (\S+)=(\S+)", (ROOT / "docs/deploy.md").read_text())
    assert label
    first = {item["kind"] for item in KUBERNETES if item["metadata"].get("labels", {}).get(label[1]) == label[2]}

    assert first == {"ConfigMap", "Job"}


def test_kubernetes_runs_the_commands_of_compose():
    """And its variables are settings."""
    (configuration,) = (item["data"] for item in KUBERNETES if item["kind"] == "ConfigMap")

    assert pods()["Job"]["containers"][0]["args"] == SERVICES["migrate"]["command"]
    assert " ".join(pods()["CronJob"]["containers"][0]["args"]) in SERVICES["daily"]["command"][-1]
    assert set(configuration) <= DECLARED
    assert all(isinstance(value, str) for value in configuration.values())
