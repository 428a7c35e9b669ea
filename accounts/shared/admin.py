"""Base classes of admin pages."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class ReadOnly(admin.options.BaseModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A page that shows objects and cannot change them."""

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class TakesAlong(admin.ModelAdmin):  # type: ignore[type-arg]
    """Allows cascading deletes of tokens and sessions, which cannot be deleted directly."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """As Django, without requiring delete permissions for read-only models."""
        to_delete, counts, needed, protected = super().get_deleted_objects(objs, request)
        read_only = {
            str(model._meta.verbose_name)  # noqa: SLF001
            for model, model_admin in self.admin_site._registry.items()  # noqa: SLF001
            if isinstance(model_admin, ReadOnly)
        }
        return to_delete, counts, needed - read_only, protected
