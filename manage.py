#!/usr/bin/env python
"""Django's command line for Latchkey."""

import os
import sys
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    # The command itself says what is wrong with the settings.
    with suppress(ImproperlyConfigured):
        database = settings.DATABASES["default"]
        # A command has one thread. It may wait longer than a request, and the errors of a pool do not tell the cause.
        if database.get("OPTIONS", {}).pop("pool", None):
            database.update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    execute_from_command_line(sys.argv)
