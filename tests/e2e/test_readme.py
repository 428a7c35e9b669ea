"""The README's journey, run as it stands."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live import serving
from tests.providers.server import Server

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_the_journey_runs_as_it_stands_in_the_readme(tmp_path, provider_server: Server):
    """Only the port is another: every step succeeds, the provider's too (a local one stands in for Google)."""
    readme = (ROOT / "README.md").read_text()
    journey = readme.split("## The whole journey, by curl")[1].split("```sh\n")[1].split("```")[0]
    providers = provider_server.providers
    with serving(tmp_path, **providers.environment) as live:
        script = journey.replace("http://localhost:8000", live.url)
        environment = {**live.environment, "GOOGLE_ACCESS_TOKEN": providers.google_token()}
        run = subprocess.run(["/bin/sh", "-euc", script], env=environment, capture_output=True, text=True, check=True)

    answers = [json.loads(line) for line in re.findall(r'\{"data".*', run.stdout.replace('}{"data"', '}\n{"data"'))]
    payloads = {name: value for answer in answers for name, value in answer["data"].items()}
    assert list(payloads) == [
        "register",
        "tokenAuth",
        "me",
        "refreshToken",
        "convertSocialToken",
        "users",
        "revokeToken",
    ]
    assert all(not payload.get("errors") for payload in payloads.values())
    assert payloads["me"]["email"] == "grace@example.com"
    assert payloads["convertSocialToken"]["isNewAccount"] is True
    assert [user["firstName"] for user in payloads["users"]["nodes"]] == ["Ada", "Grace"]
