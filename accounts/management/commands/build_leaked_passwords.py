"""Write the file of leaked passwords that LEAKED_PASSWORDS names."""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.passwords.leaked_file import build


class Command(BaseCommand):
    """Reads lists of leaked passwords, and writes the file in which the service looks passwords up. Asks nobody."""

    help = (
        "Write the file of leaked passwords that LEAKED_PASSWORDS names. A source is the text of Have I Been Pwned"
        " (a SHA-1 and a count on each line), a list of passwords, or - for the standard input. Run it once before"
        " LEAKED_PASSWORDS is set, and again for newer lists."
    )
    requires_system_checks = ()
    """One of the checks reads the file that is to be written."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add sources, the output and the smallest count."""
        parser.add_argument("sources", nargs="+", metavar="SOURCE")
        parser.add_argument("--output", required=True, type=Path, help="Replaced when the new file is complete.")
        parser.add_argument("--min-count", type=int, default=1, help="Leave out hashes that were seen less often.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the file, and print the number of passwords. Raises CommandError."""
        with ExitStack() as opened:
            try:
                sources = [
                    sys.stdin.buffer if source == "-" else opened.enter_context(Path(source).open("rb"))
                    for source in options["sources"]
                ]
                count = build(sources, options["output"], min_count=options["min_count"])
            except (OSError, ValueError) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{count} passwords in {options['output']}.")
