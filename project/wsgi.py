"""The WSGI application, for any WSGI server."""

import logging
import os

import django
from django.conf import settings
from django.urls import get_resolver

from project.chunked import with_chunked_bodies
from project.handler import Handler
from project.health import Health
from project.proxies import Proxied
from project.request_log import keeping_bodies
from project.stack import in_one_piece

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup(set_prefix=False)
# It needs the models.
from project.metrics import with_metrics  # noqa: E402

# No check runs at this start.
for _name, _meant in sorted(settings.UNREAD_VARIABLES.items()):
    logging.getLogger("project").warning("%s is set but not used%s", _name, f": {_meant}?" if _meant else "")
_service = with_chunked_bodies(keeping_bodies(Handler()))
if settings.OTEL_ENDPOINT:
    # Its packages are installed only where traces are wanted.
    from project.tracing import traced

    _service = traced(_service)
application = in_one_piece(Proxied(with_metrics(_service)))
# First: probes call by address, without TLS, and without a prefix.
application = Health(application)
# Otherwise the first request of each worker would wait for the schema to be built.
get_resolver().url_patterns  # noqa: B018 - a property that loads
# The settings have read it. gunicorn reads it too, and would respond with 500 to paths without the prefix.
os.environ.pop("SCRIPT_NAME", None)
