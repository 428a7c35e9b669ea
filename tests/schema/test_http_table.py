"""docs/http.md says what the service does."""

import os

from tests.schema.http_table import DOCUMENT, document


def test_the_document_holds_what_the_service_answers(default_client, client):
    """Each row is sent. `WRITE_DOCS=1 make test ARGS=tests/schema/test_http_table.py` writes the document anew."""
    now = document(client)
    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(now)

    assert DOCUMENT.read_text() == now
