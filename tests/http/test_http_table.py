"""docs/http.md shows the actual responses."""

import os

from tests.http.http_table import DOCUMENT, document


def test_the_document_holds_what_the_service_answers(default_client, client):
    """Send each row. `WRITE_DOCS=1 make test ARGS=tests/http/test_http_table.py` updates the document."""
    now = document(client)
    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(now)

    assert DOCUMENT.read_text() == now
