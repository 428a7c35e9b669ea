"""The tables of docs/http.md. Each row is a request and its actual response.

`test_http_table.py` compares the tables with the document, and writes them.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.cache import cache

from accounts.conf import Limits
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.families import checksum
from schema.http import documents
from tests.api import PASSWORD, TOKEN_AUTH
from tests.browser import Browser
from tests.factories import make_account

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "http.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
TOKEN = re.compile(r"(?<==)[\w-]{43}|\d{6,}")
SHOWN = (
    "Content-Type", "Allow", "Accept-Encoding", "WWW-Authenticate", "Cache-Control", "Vary",
    "Access-Control-Allow-Origin",
)  # fmt: skip
G, J = "application/graphql-response+json", "application/json"
ORIGIN = "http://localhost:5173"


@dataclass(frozen=True)
class Row:
    """One request."""

    what: str
    method: str = "POST"
    body: Any = None
    query: str = ""
    content_type: str = J
    headers: dict[str, str] = field(default_factory=dict)
    secure: bool = False


def op(query: str, **more: Any) -> dict[str, Any]:
    """Return a request body."""
    return {"query": query, **more}


ME = op("{ me { id } }")
ANONYMOUS = op('mutation { tokenAuth(input: {email: "a@b.co", password: "x"}) { errors { code } } }')
LIVE, NARROW = "Bearer LIVE", "Bearer NARROW"
"""Placeholders for a valid token, and for one without the scope `account`."""
FRONT_END = {"Origin": ORIGIN, "X-Requested-With": "fetch", "Sec-Fetch-Site": "same-site"}
BY_COOKIE = op(
    "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { tokens { refreshToken } errors { code } } }",
    variables={"input": {"email": "row@example.com", "password": PASSWORD, "refreshTokenTransport": "COOKIE"}},
)
REFRESH = op("mutation { refreshToken { tokens { refreshToken } errors { code } } }")
TYPENAME = "{ __typename }"
KNOWN = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(TYPENAME.encode()).hexdigest()}}
SECTIONS: dict[str, list[Row]] = {
    "What runs": [
        Row("a query, signed out", body=ME),
        Row("`Accept` names the draft's media type", body=ME, headers={"Accept": G}),
        Row("`Accept` names only JSON", body=ME, headers={"Accept": J}),
        Row("a query by GET", "GET", query="?query={me{id}}"),
        Row("HEAD", "HEAD", query="?query={me{id}}"),
        Row("OPTIONS", "OPTIONS"),
        Row("a mutation with wrong credentials", body=ANONYMOUS),
        Row("a field that fails", body=op("{ users(first: 1000) { nodes { id } } }")),
    ],
    "The Authorization header": [
        Row("a valid token", body=op("{ me { email } }"), headers={"Authorization": LIVE}),
        Row("a token without the scope `account`", body=ME, headers={"Authorization": NARROW}),
        Row("an unknown, expired or revoked token", body=ME, headers={"Authorization": "Bearer unknown"}),
        Row("the same, `Accept` names only JSON", body=ME, headers={"Authorization": "Bearer unknown", "Accept": J}),
        Row("a malformed header", body=ME, headers={"Authorization": "Bearer"}),
        Row(
            "a stale token with an `@anonymous` operation", body=ANONYMOUS, headers={"Authorization": "Bearer unknown"}
        ),
        Row("`Basic`, for a proxy", body=ME, headers={"Authorization": "Basic dTpw"}),
        Row("another scheme or a bare token, in development", body=ME, headers={"Authorization": "JWT x"}),
    ],
    "What is refused": [
        Row("a syntax error", body=op("{ me { id ")),
        Row("the same, `Accept` names only JSON", body=op("{ me { id "), headers={"Accept": J}),
        Row("an unknown field", body=op("{ nobody }")),
        Row("a variable of the wrong type", body=op(TOKEN_AUTH, variables={"input": 5})),
        Row("two operations and no `operationName`", body=op("query A { __typename } query B { __typename }")),
        Row(
            "two credentials in one operation",
            body=op("mutation { a: revokeToken { errors { code } } b: revokeToken { errors { code } } }"),
        ),
        Row("more than a limit allows", body=op("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }")),
        Row("a mutation by GET", "GET", query="?query=mutation{revokeToken{errors{code}}}"),
        Row("a method other than GET and POST", "PUT", body=ME),
        Row("a form", body="query=%7Bme%7Bid%7D%7D", content_type="application/x-www-form-urlencoded"),
        Row("plain text", body='{"query": "{ me { id } }"}', content_type="text/plain"),
        Row("a charset other than UTF-8", body=ME, content_type="application/json; charset=utf-16"),
        Row("`Accept` without a supported media type", body=ME, headers={"Accept": "text/xml"}),
        Row("a batch", body=[ME, ME]),
        Row("a compressed body", body=ME, headers={"Content-Encoding": "gzip"}),
        Row("a body that is not JSON", body="{"),
        Row("a body without a query", body={}),
        Row("a lone surrogate", body='{"query": "{ me { id } } # \\ud800"}'),
        Row("a body over 128 KiB", body=op("{ me { id } } #" + "x" * 140_000)),
        Row(
            "an unknown persisted query",
            body={"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
        ),
    ],
    "Persisted queries": [
        Row("an unknown hash", body={"extensions": KNOWN}),
        Row("the hash with its text", body=op(TYPENAME, extensions=KNOWN)),
        Row("the hash alone, again", body={"extensions": KNOWN}),
        Row("the hash with another text", body=op("{ me { id } }", extensions=KNOWN)),
    ],
    "The refresh token in a cookie": [
        Row("sign in with `COOKIE`", body=BY_COOKIE, headers=FRONT_END, secure=True),
        Row("refresh without input", body=REFRESH, headers=FRONT_END, secure=True),
        Row(
            "… from another origin", body=REFRESH, headers={**FRONT_END, "Origin": "https://evil.example"}, secure=True
        ),
        Row("… cross-site", body=REFRESH, headers={**FRONT_END, "Sec-Fetch-Site": "cross-site"}, secure=True),
        Row("… without a custom header", body=REFRESH, headers={"Origin": ORIGIN}, secure=True),
        Row(
            "`revokeToken` without input",
            body=op("mutation { revokeToken { errors { code } } }"),
            headers=FRONT_END,
            secure=True,
        ),
        Row("refresh without a cookie", body=REFRESH, headers=FRONT_END, secure=True),
    ],
    "CORS": [
        Row(
            "a preflight from an allowed origin",
            "OPTIONS",
            headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"},
        ),
        Row(
            "a preflight from another origin",
            "OPTIONS",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        ),
        Row("a request from an allowed origin", body=ME, headers={"Origin": ORIGIN}),
    ],
}


def rows(browser: Browser) -> Iterator[str]:
    """Send each request; yield the lines of the tables."""
    cache.clear()
    documents.store = documents.Store()
    account = make_account(email="row@example.com", username="row")
    grant = bearer_tokens.authorize_client()
    live, narrow = (bearer_tokens.issue(account=account, grant=grant, caller=Caller()) for _ in range(2))
    bearer_tokens.AccessToken.objects.filter(token_checksum=checksum(narrow.access_token)).update(scope="")
    tokens = {LIVE: f"Bearer {live.access_token}", NARROW: f"Bearer {narrow.access_token}"}
    for title, section in SECTIONS.items():
        yield f"\n### {title}\n\n| Request | Status | Headers | Body |\n|---|---|---|---|"
        for row in section:
            yield f"| {row.what} | {answer(browser, row, tokens)} |"


def answer(browser: Browser, row: Row, tokens: dict[str, str]) -> str:
    """Return status, headers and body as table cells."""
    sent = {name: tokens.get(value, value) for name, value in row.headers.items()}
    body = row.body if isinstance(row.body, str) else "" if row.body is None else json.dumps(row.body)
    response = browser.generic(
        row.method, f"/graphql{row.query}", body, content_type=row.content_type, headers=sent, secure=row.secure
    )
    headers = "<br>".join(f"`{name}: {response[name]}`" for name in SHOWN if name in response)
    for cookie in response.cookies.values():
        headers += f"<br>`{TOKEN.sub('…', re.sub('expires=[^;]*; ', '', cookie.OutputString()))}`"
    text = re.sub(r',"locations":\[[^]]*\]', "", response.content.decode().replace('": ', '":').replace(', "', ',"'))
    shown = text if len(text) <= 220 else text[:200] + " …"
    return f"{response.status_code} | {headers} | {f'`{shown}`' if shown else '—'}"


def document(browser: Browser) -> str:
    """Return the document with its tables up to date."""
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN)
    _old, after = rest.split(END)
    limits = "\n".join(f"| `LIMIT_{name.upper()}` | {value} |" for name, value in dataclasses.asdict(Limits()).items())
    after = re.sub(
        r"<!-- limits: begin -->.*<!-- limits: end -->",
        f"<!-- limits: begin -->\n| Setting | Default |\n|---|---|\n{limits}\n<!-- limits: end -->",
        after,
        flags=re.DOTALL,
    )
    return before + BEGIN + "\n" + "\n".join(rows(browser)) + "\n\n" + END + after
