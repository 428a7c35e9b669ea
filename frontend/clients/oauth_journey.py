"""A Python client of docs/oauth.md in use; prints what happened, for oauth.test.ts."""

import importlib
import json
import os
import sys

import requests

oauth = importlib.import_module(sys.argv[1])
result: dict[str, object] = {}


def opens(token: str) -> bool:
    """Whether the API takes the access token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(os.environ["GRAPHQL_URL"], json={"query": "{ me { id } }"}, headers=headers, timeout=60).ok


tokens = oauth.refresh(os.environ["REFRESH_TOKEN"])
access, refresh = tokens["access_token"], tokens["refresh_token"]
result["refreshed"] = opens(access)
result["active"] = [oauth.introspect(access)["active"]]
oauth.revoke(refresh)
result["revoked"] = not opens(access)
result["active"] += [oauth.introspect(access)["active"]]
try:
    oauth.refresh(refresh)
except Exception as error:  # noqa: BLE001 - each library has its own
    result["error"] = error.error  # type: ignore[attr-defined]
machine = oauth.introspect(oauth.machine_token()["access_token"])
result["machine"] = [machine["active"], machine["client_id"], "sub" in machine]
print(json.dumps(result))  # noqa: T201 - this is the interface
