"""`make run`: migrate, provision the default client, and serve, in one process so that it starts fast."""

import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from gunicorn.app.wsgiapp import run

from project import multiprocess


def main() -> None:
    """Serve until interrupted. Exits with a message that names the variable if the configuration is invalid."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        multiprocess.begin()
        django.setup()
        # The threads of a pool would not survive the fork, and its errors do not tell the cause.
        options = settings.DATABASES["default"].get("OPTIONS", {})
        pool = options.pop("pool", None)
        # WhiteNoise warns if the directory is missing. Before collectstatic it serves the files of the apps.
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        call_command("check")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("ensure_client", verbosity=0)
    except (ImproperlyConfigured, CommandError) as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"DATABASE_URL: {error}")
    # Connections must not be shared with the forked workers.
    connections.close_all()
    if pool:
        options["pool"] = pool
    sys.argv = ["gunicorn", "--config", "python:project.gunicorn", "project.wsgi:application"]
    run()


if __name__ == "__main__":
    main()
