"""Spares each process the search for GDAL, a library of geographic data.

strawberry_django imports `django.contrib.gis` twice to learn whether the library is installed. Each time, Django runs
compilers and linkers to search for it under a dozen names, a fifth of the time to start; where it is installed, it is
loaded into each process. This service has no geographic data.
"""

import sys
from types import ModuleType

from django.core.exceptions import ImproperlyConfigured

GIS = "django.contrib.gis"


class _Absent(ModuleType):
    """Stands for `django.contrib.gis` as Django itself does without the library."""

    def __getattr__(self, name: str) -> object:
        """Raise the error by which strawberry_django does without. Who looks through all modules finds nothing."""
        if name != "geos":
            raise AttributeError(name)
        raise ImproperlyConfigured(f"{GIS} is switched off in project/no_geometry.py.")


def block() -> None:
    """Let nothing import it. Call before strawberry_django is imported."""
    sys.modules.setdefault(GIS, _Absent(GIS))
