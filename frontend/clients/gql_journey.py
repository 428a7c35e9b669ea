"""docs/clients.md's Python client in use; prints what happened, for clients.test.ts."""

import json
import os
import sys
import time

from gql import gql
from gql.transport.exceptions import TransportQueryError
from gql_client import SignInFailed, connect

EMAIL, ME = "ada@example.com", gql("{ me { email } }")
result: dict[str, object] = {}
client = connect(EMAIL, os.environ["PASSWORD"])
session = client.transport.auth
first = session.access_token
me = [client.execute(ME)["me"]["email"]]
time.sleep(float(sys.argv[1]) + 0.1)
me.append(client.execute(ME)["me"]["email"])
result["me"] = me
result["refreshed"] = session.access_token != first
try:
    client.execute(gql("{ users(first: 1000) { nodes { id } } }"))
except TransportQueryError as error:
    result["code"] = error.errors[0]["extensions"]["code"]
try:
    connect(EMAIL, "wrong")
except SignInFailed as error:
    result["wrong"] = error.args
print(json.dumps(result))  # noqa: T201 - this is the interface
