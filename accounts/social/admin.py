"""The administration of identities at providers: they are read-only."""

from django.contrib import admin
from social_django.models import Association, Nonce, UserSocialAuth

from accounts.shared.admin import ReadOnly


class SocialInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """The account's identities at providers."""

    model = UserSocialAuth
    fields = readonly_fields = ("provider", "uid", "created", "modified")
    extra = 0


admin.site.unregister([UserSocialAuth, Nonce, Association])


@admin.register(UserSocialAuth)
class SocialAccountAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Identities at providers. Staff cannot create one: it would open the account."""

    list_display = ("user", "provider", "uid", "created")
    list_filter = ("provider",)
    search_fields = ("user__email", "user__username", "uid")
    fields = ("user", "provider", "uid", "created", "modified")


@admin.register(Nonce)
class NonceAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A table of social-core for OpenID 2.0. Nothing here uses that protocol."""

    list_display = ("server_url", "timestamp")
    fields = ("server_url", "timestamp")


@admin.register(Association)
class AssociationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A table of social-core for OpenID 2.0, without its shared secret."""

    list_display = fields = ("server_url", "assoc_type", "issued", "lifetime")
