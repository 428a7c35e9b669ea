"""clairvoyance reads a schema from the "Did you mean …" of error messages. Here it has to find nothing that way.

What it can do beside that is guess: a word that happens to be a field's name is confirmed, as any call of it would. So
it is given words that are no names, and what it then knows can come from suggestions only.
"""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from graphql import GraphQLNamedType, build_schema, graphql_sync
from graphql.pyutils import suggestion_list

from tests.live import serving
from tests.tools import environment_of

SCHEMA = build_schema((Path(__file__).resolve().parents[2] / "schema" / "schema.graphql").read_text())
PRODUCTION = {
    "LATCHKEY_ENV": "production",
    "ALLOWED_HOSTS": "127.0.0.1",
    # There is no TLS proxy in front of this one.
    "SECURE_SSL_REDIRECT": "false",
}


def names_in(type_: GraphQLNamedType) -> set[str]:
    """The fields and arguments of a type."""
    fields = getattr(type_, "fields", {})
    return set(fields) | {argument for field in fields.values() for argument in getattr(field, "args", {})}


NAMES = {name for type_ in SCHEMA.type_map.values() if not type_.name.startswith("__") for name in names_in(type_)}
NEAR_MISSES = {
    word for n in NAMES for word in (n[:-1], f"{n}s", n[:1] + n[2:], n[:1] + n) if re.fullmatch(r"\w+", word)
} - NAMES
TRUNCATED = {name[:-1] for name in NAMES if re.fullmatch(r"\w+", name[:-1])} - NAMES
ROOTS = {name for root in (SCHEMA.query_type, SCHEMA.mutation_type) if root for name in root.fields}
INSIDE = ROOTS | {"nodes", "edges", "node", "account", "tokens", "errors"}
"""What somebody knows who has seen a few calls."""


WITH_BUCKETS = """
import sys
from clairvoyance import cli
from clairvoyance.config import Config
Config.bucket_size = int(sys.argv.pop(1))
sys.exit(cli())
"""
PAIRS, FEW, USUAL = "2", "4", "64"
"""Words in one operation. clairvoyance takes each word without an error for a field, and we report five errors at most,
so an attacker who has seen that sends few. A word that is a name can cause two errors (an argument and a selection are
missing): where such words are among them only pairs stay below five in whatever order clairvoyance sends them."""


@pytest.fixture(scope="module")
def clairvoyance() -> Path:
    """Where it is installed."""
    return environment_of("clairvoyance")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As it is in production."""
    with serving(tmp_path_factory.mktemp("live"), **PRODUCTION) as live:
        yield f"{live.url}/graphql"


class Talkative(BaseHTTPRequestHandler):
    """A service with our schema that answers in graphql-core's own words."""

    def do_POST(self) -> None:
        """Run the operation."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(graphql_sync(SCHEMA, body["query"]).formatted).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def talkative() -> Iterator[str]:
    """What clairvoyance is made for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Talkative) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/graphql"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def recover(clairvoyance, tmp_path):
    """The names that clairvoyance recovers: `recover(url, words, document)`."""

    def run(url: str, words: set[str], document: str, bucket: str = FEW) -> set[str]:
        given, found = tmp_path / "words", tmp_path / "schema.json"
        given.write_text("\n".join(sorted(words)))
        command = [
            clairvoyance / "bin" / "python",
            "-c",
            WITH_BUCKETS,
            bucket,
            url,
            "-w",
            given,
            "-o",
            found,
            "-d",
            document,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        types = json.loads(found.read_text())["data"]["__schema"]["types"]
        return {
            name
            for type_ in types
            for field in [*(type_.get("fields") or ()), *(type_.get("inputFields") or ())]
            for name in (field["name"], *(argument["name"] for argument in field.get("args", ())))
            # It gives one of these to each type about which it knows nothing.
            if name != "dummy"
        }

    return run


ROOT_DOCUMENTS = ("query { FUZZ }", "mutation { FUZZ }")


@pytest.mark.parametrize("document", ROOT_DOCUMENTS)
def test_near_misses_recover_no_name(recover, service, document):
    """S42: misspellings of every name that we have."""
    assert recover(service, NEAR_MISSES, document) == set()


def test_its_own_word_list_recovers_no_name(recover, service, clairvoyance):
    """S42: of some ten thousand words those for which graphql-core suggests a query's field, names left out."""
    (path,) = clairvoyance.glob("lib/python*/site-packages/clairvoyance/wordlist.txt")
    assert SCHEMA.query_type
    fields = list(SCHEMA.query_type.fields)
    words = {word for word in path.read_text().split() if suggestion_list(word, fields)} - NAMES
    assert len(words) > 500

    assert recover(service, words, "query { FUZZ }") == set()


@pytest.mark.parametrize("document", ROOT_DOCUMENTS)
def test_who_knows_some_fields_learns_no_others(recover, service, document):
    """S42: on the types behind them too; a guess that is right is confirmed, and no more."""
    found = recover(service, TRUNCATED | INSIDE, document, PAIRS)

    assert found
    assert found <= INSIDE


def test_the_same_words_recover_names_where_errors_suggest_them(recover, talkative):
    """The attack works with a part of these words: otherwise the tests above would show nothing."""
    found = recover(talkative, TRUNCATED, "query { FUZZ }", USUAL)

    assert ROOTS - found == set()
    assert {"email", "username", "hasNextPage", "accessToken"} <= found
