"""The bench's settings without any middleware, for views that are as bare as Django allows."""

from tests.bench.settings import *  # noqa: F403
from tests.bench.settings import SILENCED_SYSTEM_CHECKS

MIDDLEWARE = []
# The administration, which nobody asks for here, misses its middleware.
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "admin.E408", "admin.E409", "admin.E410"]
