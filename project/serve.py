"""`make run`: migrate, provision the default client, and serve, in one process so that it starts fast."""

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections
from gunicorn.app.wsgiapp import run


def main() -> None:
    """Serve until interrupted. Exits with the system checks' words if the configuration is not safe."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    # WhiteNoise warns where there is none; before collectstatic it serves what the apps bring along.
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    try:
        call_command("check")
    except SystemCheckError as error:
        sys.exit(str(error))
    call_command("migrate", verbosity=0, interactive=False)
    call_command("ensure_client", verbosity=0)
    # A connection must not be shared with the workers that are forked now.
    connections.close_all()
    sys.argv = ["gunicorn", "--config", "python:project.gunicorn", "project.wsgi:application"]
    run()


if __name__ == "__main__":
    main()
