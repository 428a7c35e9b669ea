"""Registers the admin pages of all rooms, and adds their inlines to the account page."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.guard.admin import SecurityEventAdmin
from accounts.leaving.admin import ErasingAccountAdmin
from accounts.mails.admin import MailAdmin
from accounts.mfa.admin import FactorResetAdmin
from accounts.passwords.admin import PasswordSetForm, password_change, sign_in
from accounts.people.admin import AccountAdmin
from accounts.social.admin import SocialInline
from accounts.tokens.admin import SessionInline

__all__ = ["ErasingAccountAdmin", "FactorResetAdmin", "MailAdmin", "SecurityEventAdmin"]

admin.site.login = sign_in  # type: ignore[method-assign]  # no option replaces the view
admin.site.password_change = password_change  # type: ignore[assignment]  # no option replaces the form
admin.site.site_title = admin.site.site_header = _("Latchkey administration")

AccountAdmin.change_password_form = PasswordSetForm
AccountAdmin.inlines = (SessionInline, SocialInline)
