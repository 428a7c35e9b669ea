"""Security events in plain words, for the holder of the account."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent

MESSAGES: dict[str, str | Promise] = {
    EventType.REGISTERED: _("The account was created."),
    EventType.REGISTER_FAILED: _("A registration was refused."),
    EventType.SIGNED_IN: _("Signed in."),
    EventType.SIGN_IN_FAILED: _("A sign-in was refused."),
    EventType.REFRESH_REFUSED: _("A session could not be continued."),
    EventType.SESSION_ENDED: _("A session was ended."),
    EventType.ALL_SESSIONS_ENDED: _("All sessions were ended."),
    EventType.OTHER_SESSIONS_ENDED: _("All other sessions were ended."),
    EventType.SESSION_END_REFUSED: _("Ending a session was refused."),
    EventType.REAUTHENTICATED: _("The identity of the holder was confirmed."),
    EventType.REAUTHENTICATION_FAILED: _("A confirmation of the holder's identity was refused."),
    EventType.REAUTHENTICATION_CODE_SENT: _("A code to confirm the holder's identity was mailed."),
    EventType.LOGIN_CODE_REQUESTED: _("A code for signing in was requested by mail."),
    EventType.RESET_REQUESTED: _("A mail for choosing a new password was requested."),
    EventType.RESET: _("A new password was chosen with a mailed code or link."),
    EventType.RESET_FAILED: _("Choosing a new password with a mailed code or link was refused."),
    EventType.MAIL_REFUSED: _("A request for a mail was refused."),
    EventType.SECURED: _("The account was secured with the link of a notice."),
    EventType.SECURE_FAILED: _("Securing the account with the link of a notice was refused."),
    EventType.PASSWORD_CHANGED: _("The password was changed."),
    EventType.PASSWORD_CHANGE_FAILED: _("A change of the password was refused."),
    EventType.DISABLED: _("The account was disabled."),
    EventType.ENABLED: _("The account was enabled again."),
    EventType.TAKEN_OVER: _("The account was handed to the verified owner of its e-mail address."),
    EventType.EMAIL_CHANGED: _("The e-mail address was changed."),
    EventType.EMAIL_VERIFIED: _("The e-mail address was confirmed."),
    EventType.EMAIL_VERIFICATION_FAILED: _("A confirmation of the e-mail address was refused."),
    EventType.EMAIL_CHANGE_REQUESTED: _("A change of the e-mail address was requested."),
    EventType.EMAIL_CHANGE_CANCELLED: _("The requested change of the e-mail address was withdrawn."),
    EventType.EMAIL_CHANGE_FAILED: _("A change of the e-mail address was refused."),
    EventType.EMAIL_CHANGE_UNDONE: _("The change of the e-mail address was undone."),
    EventType.EMAIL_UNDO_FAILED: _("Undoing a change of the e-mail address was refused."),
    EventType.PRIVILEGES_CHANGED: _("The rights in the administration were changed."),
    EventType.FACTOR_RESET_REQUESTED: _("A reset of the second factors was requested."),
    EventType.FACTOR_RESET_WITHDRAWN: _("The requested reset of the second factors was withdrawn."),
    EventType.FACTORS_RESET: _("The second factors and passkeys were removed by a reset."),
    EventType.TOTP_ENABLED: _("An authenticator app was set up."),
    EventType.TOTP_DISABLED: _("The authenticator app was switched off."),
    EventType.FACTOR_CHANGE_FAILED: _("A change of the second factors or passkeys was refused."),
    EventType.FACTOR_FAILED: _("A second factor was refused."),
    EventType.RECOVERY_CODES_MADE: _("Recovery codes were made."),
    EventType.RECOVERY_CODE_USED: _("A recovery code was used."),
    EventType.PASSKEY_ADDED: _("A passkey was added."),
    EventType.PASSKEY_RENAMED: _("A passkey was renamed."),
    EventType.PASSKEY_REMOVED: _("A passkey was removed."),
    EventType.BROWSER_REMEMBERED: _("A browser was remembered: it is not asked for a second factor for a while."),
    EventType.LINKED: _("A social account was linked."),
    EventType.LINK_FAILED: _("Linking a social account was refused."),
    EventType.UNLINKED: _("A social account was unlinked."),
    EventType.UNLINK_FAILED: _("Unlinking a social account was refused."),
    EventType.PROFILE_CHANGED: _("The profile was changed."),
    EventType.PROFILE_CHANGE_FAILED: _("A change of the profile was refused."),
    EventType.EXPORTED: _("The data of the account was exported."),
    EventType.EXPORT_FAILED: _("An export of the account's data was refused."),
    EventType.DISOWNED: _("The holder of the e-mail address did not sign up."),
    EventType.DISOWN_FAILED: _("Deleting an unknown registration was refused."),
    EventType.DELETION_SCHEDULED: _("The account was closed, and will be deleted."),
    EventType.DELETION_CANCELLED: _("The deletion of the account was undone."),
    EventType.DELETION_CANCEL_FAILED: _("Undoing the deletion of the account was refused."),
    EventType.DELETED: _("The account was deleted."),
    EventType.DELETE_FAILED: _("Deleting the account was refused."),
    EventType.EVENTS_EXPORTED: _("Security events were exported."),
}


def message_of(event: SecurityEvent) -> str:
    """What happened, in one sentence, and how often if it was repeated."""
    message = str(MESSAGES.get(event.type, event.type))
    if event.count == 1:
        return message
    repeated = ngettext("This happened %(count)d time.", "This happened %(count)d times.", event.count)
    return f"{message} {repeated % {'count': event.count}}"
