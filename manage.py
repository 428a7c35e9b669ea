#!/usr/bin/env python
"""Django's command line for Latchkey."""

import os
import select
import signal
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from project.management.commands.settings import Command as ShowSettings


def main() -> None:
    """Run the command. Ends quietly, as other programs do, if nobody reads its output on: as behind `| head`."""
    try:
        try:
            run()
        finally:
            print(end="", flush=True)  # noqa: T201 - unlike sys.stdout.flush, it takes a standard output that is closed
    except BrokenPipeError:
        output = select.poll()
        output.register(sys.stdout.fileno(), 0)
        if not output.poll(0):
            raise  # a socket's
        # Else Python would try once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def run() -> None:
    """Run the command. Exits with a message that names the variable if the configuration is invalid."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        database = settings.DATABASES["default"]
    except ImproperlyConfigured as error:
        if sys.argv[1:2] != ["settings"]:
            sys.exit(str(error))
        ShowSettings(refusal=str(error)).run_from_argv(sys.argv)
        return
    # A command has one thread. It may wait longer than a request, and the errors of a pool do not tell the cause.
    if database.get("OPTIONS", {}).pop("pool", None):
        database.update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
