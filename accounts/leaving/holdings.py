"""What the tables hold about a person: the one list that the export, the deletion and their tests read.

A test walks all models and columns of all apps, and fails for one that is neither listed nor excluded here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import Concat, Left, Substr

from accounts.guard.models import ACTED_ON_OTHERS, SecurityEvent
from accounts.guard.origin import PROGRAM
from accounts.people.models import Account

SECRET = "a secret, or its digest"  # noqa: S105 - a reason
INTERNAL = "a key of ours that says nothing about the person"
OTHERS = "names other people"
SESSION, IDENTITY = "accounts.Session", "social_django.UserSocialAuth"
NOTHING = Q(pk__in=())
BY_ADDRESS = frozenset({"mails", "mailed_codes", "pending_registrations"})
"""The holdings with rows that have the address, and do not go with the account by themselves."""
DELIMITER = " · "
"""Ends the address in the name of a session."""
LONGEST_NAME = 200
"""Of an object in the administration's log."""


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Rows of a table that are about a person: how to find them, and what of them their holder gets."""

    name: str
    """In the export."""
    model: str
    """The label of the model."""
    rows: Callable[[Account], Q]
    newest: str
    """The column that orders the rows."""
    exported: tuple[str, ...]
    """Columns, or fields of the rows that they point to."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """The reason for each other column; `*` for all that are left."""
    kept: str = ""
    """Why rows are left after the deletion of the account, and what of them; empty if none are."""

    def of(self, account: Account) -> QuerySet[Any]:
        """The rows about this person."""
        model: type[Model] = apps.get_model(self.model)
        return model._base_manager.filter(self.rows(account))  # noqa: SLF001 - public in practice


def by(column: str) -> Callable[[Account], Q]:
    """The rows whose column points to the account."""
    return lambda account: Q(**{column: account.pk})


def by_holder(account: Account) -> Q:
    """The events that the holder caused, or may have caused.

    Where the actor is not known, it was whoever named the address. Before the address is confirmed, that may be its
    owner, who is somebody else (S85).
    """
    own = Q(actor__isnull=False, actor=account.pk)
    unknown = Q(actor=None) & ~Q(client__startswith=PROGRAM)
    return own | unknown if account.email_verified else own


def entries_about(account: Account) -> Q:
    """The administration's log of what staff did to the account, or to its sessions and identities.

    The account is named by its key.
    """
    type_ = ContentType.objects.get_for_model(Account)
    return Q(content_type=type_, object_id=str(account.pk)) | _entries_about_things_of(account, account.email)


def _entries_about_things_of(account: Account, address: str) -> Q:
    """The log of what staff did to sessions and identities, which are named by the address of their account.

    By the whole of it, since an address may hold another one. Entries from before the account are about somebody else
    who had the address then.
    """
    types = ContentType.objects.get_for_models(*map(apps.get_model, (SESSION, IDENTITY)))
    of = {model._meta.label: Q(content_type=type_) for model, type_ in types.items()}  # noqa: SLF001
    session = of[SESSION] & Q(object_repr__startswith=f"{address}{DELIMITER}")
    identity = of[IDENTITY] & Q(object_repr=address)
    return (session | identity) & Q(action_time__gte=account.date_joined)


def rename(account: Account, *, former: str) -> None:
    """Let the administration's log follow the account to its new address, in the transaction of the change.

    Otherwise its deletion would leave the former address there, and whoever has that next would export the entries.
    """
    name = Left(Concat(Value(account.email), Substr("object_repr", len(former) + 1)), LONGEST_NAME)
    LogEntry.objects.filter(_entries_about_things_of(account, former)).update(object_repr=name)


def mailed_to(account: Account) -> Q:
    """The rows of no account that have the address, if the account has shown that it is its own.

    Otherwise whoever registers somebody's address could read what is mailed there, and delete it.
    """
    return Q(account=None, email=account.email) if account.email_verified else NOTHING


HOLDINGS = (
    Holding(
        name="account",
        model="accounts.Account",
        rows=by("pk"),
        newest="date_joined",
        exported=(
            "id",
            "email",
            "email_verified",
            "username",
            "username_changed_at",
            "first_name",
            "last_name",
            "locale",
            "is_active",
            "deletion_due_at",
            "is_staff",
            "is_superuser",
            "date_joined",
            "last_login",
        ),
        withheld={
            "password": SECRET,
            "hash_cost": SECRET,
            "username_key": "computed from the username",
            "session_epoch": INTERNAL,
        },
    ),
    Holding(
        name="groups",
        model="accounts.Account_groups",
        rows=by("account"),
        newest="id",
        exported=("group__name",),
        withheld={"id": INTERNAL, "account": INTERNAL},
    ),
    Holding(
        name="permissions",
        model="accounts.Account_user_permissions",
        rows=by("account"),
        newest="id",
        exported=("permission__content_type__app_label", "permission__codename"),
        withheld={"id": INTERNAL, "account": INTERNAL},
    ),
    Holding(
        name="social_accounts",
        model="social_django.UserSocialAuth",
        rows=by("user"),
        newest="created",
        # Of the JSON only what this service stores: rows of an older service may hold tokens.
        exported=("provider", "uid", "extra_data__email", "extra_data__last_used_at", "created", "modified"),
        withheld={"id": INTERNAL, "user": INTERNAL, "id_key": INTERNAL},
    ),
    Holding(
        name="sessions",
        model="accounts.Session",
        rows=by("account"),
        newest="created_at",
        exported=(
            "client__client_id",
            "client__name",
            "created_at",
            "authenticated_at",
            "authentication_methods",
            "factor_proved_at",
            "last_used_at",
            "expires_at",
            "ip_address",
            "user_agent",
        ),
        withheld={"id": INTERNAL, "account": INTERNAL, "token_family": INTERNAL, "unused_token_id": INTERNAL},
    ),
    Holding(
        name="access_tokens",
        model="oauth2_provider.AccessToken",
        rows=by("user"),
        newest="created",
        exported=("application__client_id", "scope", "resource", "created", "updated", "expires"),
        withheld={
            "id": INTERNAL,
            "user": INTERNAL,
            "source_refresh_token": INTERNAL,
            "id_token": INTERNAL,
            "token": SECRET,
            "token_checksum": SECRET,
        },
    ),
    Holding(
        name="refresh_tokens",
        model="oauth2_provider.RefreshToken",
        rows=by("user"),
        newest="created",
        exported=("application__client_id", "resource", "created", "updated", "revoked"),
        withheld={
            "id": INTERNAL,
            "user": INTERNAL,
            "access_token": INTERNAL,
            "token_family": INTERNAL,
            "token": SECRET,
            "token_checksum": SECRET,
        },
    ),
    Holding(
        name="authorization_codes",
        model="oauth2_provider.Grant",
        rows=by("user"),
        newest="created",
        exported=("application__client_id", "scope", "resource", "redirect_uri", "created", "updated", "expires"),
        withheld={
            "id": INTERNAL,
            "user": INTERNAL,
            "code": SECRET,
            "code_challenge": SECRET,
            "code_challenge_method": INTERNAL,
            "nonce": SECRET,
            "claims": INTERNAL,
        },
    ),
    Holding(
        name="id_tokens",
        model="oauth2_provider.IDToken",
        rows=by("user"),
        newest="created",
        exported=("application__client_id", "scope", "created", "updated", "expires"),
        withheld={"id": INTERNAL, "user": INTERNAL, "jti": INTERNAL},
    ),
    Holding(
        name="device_codes",
        model="oauth2_provider.DeviceGrant",
        rows=by("user"),
        newest="id",
        exported=("client_id", "scope", "status", "expires", "last_checked"),
        withheld={
            "id": INTERNAL,
            "user": INTERNAL,
            "device_code": SECRET,
            "user_code": SECRET,
            "interval": INTERNAL,
        },
    ),
    Holding(
        name="challenges",
        model="accounts.Challenge",
        rows=by("account"),
        newest="expires_at",
        exported=("kind", "client__client_id", "scope", "data__provider", "attempts", "expires_at"),
        withheld={
            "account": INTERNAL,
            "digest": SECRET,
            "transport": INTERNAL,
            "data": "claims of whoever began it at a provider, who may be somebody else",
        },
    ),
    Holding(
        name="authenticator_app",
        model="accounts.Totp",
        rows=by("account"),
        newest="created_at",
        exported=("created_at", "last_used_at"),
        withheld={"account": INTERNAL, "secret": SECRET, "last_step": INTERNAL},
    ),
    Holding(
        name="recovery_codes",
        model="accounts.RecoveryCodes",
        rows=by("account"),
        newest="created_at",
        exported=("created_at",),
        withheld={"account": INTERNAL, "key": SECRET, "digests": SECRET},
    ),
    Holding(
        name="passkeys",
        model="accounts.Passkey",
        rows=by("account"),
        newest="created_at",
        exported=(
            "name",
            "credential_id",
            "aaguid",
            "transports",
            "can_sign_in",
            "backup_eligible",
            "backed_up",
            "sign_count",
            "created_at",
            "last_used_at",
        ),
        withheld={"id": INTERNAL, "account": INTERNAL, "public_key": INTERNAL},
    ),
    Holding(
        name="remembered_browsers",
        model="accounts.RememberedBrowser",
        rows=by("account"),
        newest="created_at",
        exported=("created_at", "expires_at"),
        withheld={"account": INTERNAL, "digest": SECRET, "session_id": INTERNAL},
    ),
    Holding(
        name="factor_reset",
        model="accounts.FactorReset",
        rows=by("account"),
        newest="requested_at",
        exported=("reason", "requested_at", "effective_at"),
        withheld={"account": INTERNAL, "actor": OTHERS},
    ),
    Holding(
        name="mailed_codes",
        model="accounts.MailedCode",
        rows=lambda account: Q(account=account.pk) | mailed_to(account),
        newest="created_at",
        exported=("purpose", "email", "client__client_id", "attempts", "created_at", "expires_at", "used_at"),
        withheld={
            "id": SECRET,
            "account": INTERNAL,
            "registration": INTERNAL,
            "challenge_digest": SECRET,
            "data": "tells whether somebody else has the address",
        },
    ),
    Holding(
        name="mails",
        model="accounts.Mail",
        rows=lambda account: Q(account=account.pk) | mailed_to(account),
        newest="created_at",
        exported=("template", "email", "locale", "client__client_id", "data", "created_at", "attempts", "dead_at"),
        withheld={"id": INTERNAL, "account": INTERNAL, "code": INTERNAL, "*": "about the work of the mail server"},
    ),
    Holding(
        name="pending_registrations",
        model="accounts.PendingRegistration",
        rows=lambda account: Q(email=account.email) if account.email_verified else NOTHING,
        newest="created_at",
        exported=("email", "created_at", "expires_at"),
        withheld={"id": INTERNAL, "password": SECRET, "*": "of whoever named the address, who may be somebody else"},
    ),
    Holding(
        name="security_events",
        model="accounts.SecurityEvent",
        rows=lambda account: Q(subject=account.pk) & by_holder(account),
        newest="created_at",
        exported=("type", "created_at", "ip_address", "user_agent", "client", "cause", "count", "request_id"),
        withheld={"id": INTERNAL, "subject": INTERNAL, "actor": OTHERS},
        kept="operators must be able to tell what happened: the type, the time and the ids, no address and no agent",
    ),
    Holding(
        name="security_events_by_others",
        model="accounts.SecurityEvent",
        rows=lambda account: Q(subject=account.pk) & ~by_holder(account),
        newest="created_at",
        exported=("type", "created_at", "cause", "count", "request_id"),
        withheld={"id": INTERNAL, "subject": INTERNAL, "actor": OTHERS, "*": OTHERS},
        kept="operators must be able to tell what happened: the type, the time and the ids, no address and no agent",
    ),
    Holding(
        name="security_events_caused",
        model="accounts.SecurityEvent",
        rows=lambda account: ACTED_ON_OTHERS & Q(actor=account.pk),
        newest="created_at",
        exported=("type", "created_at", "ip_address", "user_agent", "client", "cause", "count", "request_id"),
        withheld={"id": INTERNAL, "actor": INTERNAL, "subject": OTHERS},
        kept="the record of the other account: the type, the time and the ids, no address and no agent",
    ),
    Holding(
        name="administration_log",
        model="admin.LogEntry",
        rows=by("user"),
        newest="action_time",
        exported=("action_time", "action_flag", "content_type__model"),
        withheld={
            "id": INTERNAL,
            "user": INTERNAL,
            "object_id": OTHERS,
            "object_repr": OTHERS,
            "change_message": OTHERS,
        },
    ),
    Holding(
        name="administration_log_about",
        model="admin.LogEntry",
        rows=entries_about,
        newest="action_time",
        exported=("action_time", "action_flag", "content_type__model", "object_repr", "change_message"),
        withheld={"id": INTERNAL, "user": OTHERS, "object_id": INTERNAL},
        kept="the record of what staff did: the time, the kind and the id, no address and no detail",
    ),
    Holding(
        name="clients",
        model="accounts.Client",
        rows=by("user"),
        newest="created",
        exported=("client_id", "name", "created"),
        withheld={"user": INTERNAL, "client_secret": SECRET, "*": "about the application"},
        kept="an application belongs to the service, not to whoever registered it: it no longer names anyone",
    ),
)

NO_HOLDINGS = {
    "auth.Group": "rights that staff defined; who has them is exported as `groups`",
    "auth.Group_permissions": "what a group may do; nothing leads from it to a person",
    "auth.Permission": "what the program distinguishes; who has them is exported as `permissions`",
    "contenttypes.ContentType": "the tables of the program",
    "accounts.SpentCredential": "digests of single-use values; nothing leads from them to a person",
    "sessions.Session": "sign-ins of the administration, which cannot be searched by person; one whose account is gone"
    " signs nobody in, and expires",
    "social_django.Association": "a table for OpenID 2.0, which this service does not use",
    "social_django.Code": "social-core's mailed codes, which this service does not use",
    "social_django.Nonce": "a table for OpenID 2.0, which this service does not use",
    "social_django.Partial": "social-core's partial pipelines, which this service does not use",
}
"""All other tables, and why no rows of them are listed above."""


def release(account: Account) -> None:
    """Delete what has the person's address, and take the person out of the rows that are kept.

    Call it in the transaction that deletes the account.
    """
    for holding in HOLDINGS:
        if holding.name in BY_ADDRESS:
            holding.of(account).delete()
    # Two statements, each with an index.
    SecurityEvent.objects.filter(subject=account.pk).forget_origin()
    SecurityEvent.objects.filter(ACTED_ON_OTHERS, actor=account.pk).forget_origin()
    LogEntry.objects.filter(entries_about(account)).update(object_repr=str(account.pk), change_message="")
    # Django would delete the application, and with it the sessions of everyone who uses it.
    apps.get_model("accounts.Client")._base_manager.filter(user=account).update(user=None)  # noqa: SLF001
