"""Failures about providers and linked identities."""

from django.utils.translation import gettext_lazy as _

from accounts.challenges.errors import ChallengeRequired
from accounts.errors import AccountsError


class ProviderUnknown(AccountsError):
    """The provider is not configured here."""

    code = "PROVIDER_UNKNOWN"
    default_message = _("This sign-in provider is not available here.")


class CredentialNotSupported(AccountsError):
    """This provider does not take this kind of credential."""

    code = "CREDENTIAL_NOT_SUPPORTED"
    default_message = _("This provider does not take this kind of credential.")


class ProviderRejected(AccountsError):
    """The credential is not valid, was not issued for this application, or was used before."""

    code = "PROVIDER_REJECTED"
    default_message = _("The provider did not confirm this sign-in. Try again.")


class ProviderUnavailable(AccountsError):
    """The provider cannot be reached, or its answer cannot be used: try again later."""

    code = "PROVIDER_UNAVAILABLE"
    counts = False
    default_message = _("The provider is not available right now. Try again later.")


class RedirectUriNotAllowed(AccountsError):
    """The redirect URI is not registered for the client."""

    code = "REDIRECT_URI_NOT_ALLOWED"
    default_message = _("This redirect address is not registered.")


class ProfileRequired(ChallengeRequired):
    """The provider left out something that an account needs: see ProfileChallenge."""

    code = "PROFILE_REQUIRED"
    default_message = _("We need a few more details to finish signing up.")


class LinkRequired(ChallengeRequired):
    """The address belongs to an account with other ways to sign in: see LinkChallenge."""

    code = "LINK_REQUIRED"
    default_message = _("An account with this e-mail address already exists. Sign in to it as you did before.")


class AlreadyLinked(AccountsError):
    """The social account is linked to another account."""

    code = "ALREADY_LINKED"
    default_message = _("This sign-in is linked to another account.")


class LastSignInMethod(AccountsError):
    """It is the only way left to sign in."""

    code = "LAST_SIGN_IN_METHOD"
    default_message = _("This is the only way left to sign in. Add another one first.")
