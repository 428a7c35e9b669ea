"""The README's journey, run as it stands."""

import re
import subprocess
from pathlib import Path

from tests.live import serving
from tests.providers.server import Provider

ROOT = Path(__file__).resolve().parents[2]
