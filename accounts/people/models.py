"""The accounts of people."""

import functools
import hashlib
import logging
import operator
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password, verify_password
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Left, Lower, StrIndex, Substr
from django.db.models.lookups import Exact
from django.db.models.signals import m2m_changed
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.people.signals import handing_over, sessions_ending
from accounts.people.usernames import LONGEST_USERNAME, username_key, validate_username
from accounts.shared.hashers import ARGON2, cost_in_force, cost_of, hash_at_cost
from accounts.shared.statements import Select, parameter
from accounts.shared.texts import canonical_email, prepared_password, validate_address, validate_plain_text

log = logging.getLogger(__name__)

LONGEST_EMAIL = 254
"""RFC 5321 §4.5.3.1.3, without the angle brackets."""
LONGEST_NAME = 150
SESSION_ENDING_FIELDS = frozenset({"password", "is_active"})
"""Changing one of these ends all sessions of the account permanently (S82)."""
PRIVILEGES = frozenset({"is_staff", "is_superuser"})
RECORDED_FIELDS = SESSION_ENDING_FIELDS | PRIVILEGES | {"email"}
"""Changing one of these is recorded (S58)."""
BATCH = 500


class AccountQuerySet(models.QuerySet["Account"]):
    """Accounts, with an `update` and a `delete` that act as those of Account."""

    def update(self, **values: Any) -> int:
        """As Django; ends sessions if password or active state change (S82), and records what changes.

        Setting the active state withdraws a scheduled deletion.
        """
        if "is_active" in values:
            values.setdefault("deletion_due_at", None)
        changes = {name: ~Q(**{name: values[name]}) for name in sorted(RECORDED_FIELDS & values.keys())}
        if not changes:
            return super().update(**values)
        with transaction.atomic():
            any_of_them = functools.reduce(operator.or_, changes.values())
            rows = _locked(Account.objects.filter(any_of_them, pk__in=self.order_by().values("pk")))
            flags = {f"{name}_changes": Case(When(q, then=True), default=False) for name, q in changes.items()}
            found = list(rows.annotate(**flags).values("pk", *sorted(PRIVILEGES | {"is_active"}), *flags))
            changed = {name: [row for row in found if row[f"{name}_changes"]] for name in changes}
            ending = {row["pk"] for name in SESSION_ENDING_FIELDS & changes.keys() for row in changed[name]}
            _end_sessions(sorted(ending))
            for name, rows_of_name in changed.items():
                for was in (False, True):
                    those = [row["pk"] for row in rows_of_name if bool(row.get(name)) is was]
                    _record(name, those, becomes=not was)
            return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # as Django marks it, against calls from templates

    def bulk_create(  # type: ignore[override]  # options by name only
        self,
        objs: "Iterable[Account]",
        batch_size: int | None = None,
        *,
        update_fields: Collection[str] | None = None,
        **conflicts: Any,
    ) -> "list[Account]":
        """As Django. Raises ValueError if it would change what is recorded, or ends sessions (S82)."""
        if refused := RECORDED_FIELDS & set(update_fields or ()):
            raise ValueError(
                f"Change {sorted(refused)} by update or save: it is recorded, and sessions may have to end."
            )
        return super().bulk_create(objs, batch_size, update_fields=update_fields, **conflicts)

    def end_sessions(self) -> list[uuid.UUID]:
        """Sign these accounts out everywhere, in one transaction; returns the keys of those that there still were."""
        with transaction.atomic():
            rows = _locked(Account.objects.filter(pk__in=self.order_by().values("pk")))
            keys = list(rows.values_list("pk", flat=True))
            _end_sessions(keys)
            return keys

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django; records it. Sessions and tokens go with their account."""
        with transaction.atomic():
            events.record_each(EventType.DELETED, self.order_by().values_list("pk", flat=True))
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class AccountManager(BaseUserManager["Account"]):
    """Creates accounts the way Django's commands and forms expect."""

    def get_queryset(self) -> AccountQuerySet:
        """Accounts with the `update` that ends sessions."""
        return AccountQuerySet(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Store an account. Without a password it gets an unusable one. Raises ValueError without an e-mail address."""
        fields.setdefault("is_staff", False)
        fields.setdefault("is_superuser", False)
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Store an account with all permissions. Raises ValueError if `is_staff` or `is_superuser` is not True."""
        for flag in ("is_staff", "is_superuser"):
            if fields.setdefault(flag, True) is not True:
                raise ValueError(f"Superuser must have {flag}=True.")
        if self.filter(username_key=username_key(fields.get("username", ""))).exists():
            # createsuperuser prints this without a traceback.
            raise self.model().unique_error_message(self.model, ("username",))
        return self._create(email, password, **fields)

    def hash_costs(self) -> Iterator[str]:
        """The distinct costs of all stored password hashes: one index look-up each; DISTINCT would read every row."""
        cost = ""
        while row := _next_hash_cost.first(hash_cost=cost):
            (cost,) = row
            yield cost

    def get_by_natural_key(self, username: str | None) -> "Account":
        """The account with this e-mail address, canonicalized before the look-up."""
        return self.get(email=canonical_email(username or ""))

    def _create(self, email: str, password: str | None, **fields: Any) -> "Account":
        if not email or not email.strip():
            raise ValueError("The given email must be set")
        account = self.model(email=canonical_email(email), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account


class UsernameKeyField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """Normalized `username`, updated on every save. Usernames with equal keys are the same name."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001 - Django's signature
        """Compute the key from the username that is being stored."""
        key = username_key(model_instance.username)  # type: ignore[attr-defined]  # of Account only
        setattr(model_instance, self.attname, key)
        return key


_AFTER_ARGON2 = Substr("password", len(ARGON2) + 1)


class Account(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # swapped Application
    """A person who can sign in, by an e-mail address and a password or a social account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        _("e-mail address"),
        max_length=LONGEST_EMAIL,
        unique=True,
        validators=[validate_address],
        error_messages={"unique": _("An account with this e-mail address already exists.")},
    )
    email_verified = models.BooleanField(_("e-mail verified"), default=False)
    username = models.CharField(
        _("username"),
        max_length=LONGEST_USERNAME,
        validators=[validate_username],
        error_messages={"unique": _("An account with this username already exists.")},
    )
    username_key = UsernameKeyField(max_length=LONGEST_USERNAME, unique=True, editable=False)
    first_name = models.CharField(_("given name"), max_length=LONGEST_NAME, validators=[validate_plain_text])
    last_name = models.CharField(
        _("family name"), max_length=LONGEST_NAME, blank=True, validators=[validate_plain_text]
    )
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May enter this administration site."))
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Untick this instead of deleting: every token of the account stops working at once."),
    )
    locale = models.CharField(_("language"), max_length=35, default="en", db_default="en")
    """The language of mails, as a BCP 47 tag."""
    username_changed_at = models.DateTimeField(_("username changed"), null=True, editable=False)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    """Counts how often all sessions have ended. A sign-in that was verified in an earlier epoch gets no tokens."""

    deletion_due_at = models.DateTimeField(_("will be deleted"), null=True, editable=False, db_index=True)
    """When the grace period of a deletion ends. The account is inactive until then."""

    hash_cost = models.GeneratedField(
        expression=Case(
            When(
                Exact(Left("password", len(ARGON2)), Value(ARGON2)),
                then=Left(_AFTER_ARGON2, StrIndex(_AFTER_ARGON2, Value("$")) - Value(1)),
            ),
            default=Value(""),
        ),
        output_field=models.CharField(max_length=128),
        db_persist=True,
    )
    """The Argon2 cost of the password hash, computed by the database; empty without an Argon2 hash."""

    objects: ClassVar[AccountManager] = AccountManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["username", "first_name"]

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="account_email_is_canonical"),
        ]
        indexes: ClassVar = [
            # The order of the administration, and that of the query `users`, which skips no disabled account.
            models.Index(F("date_joined").desc(), F("id").desc(), name="account_newest_first"),
            models.Index(
                F("date_joined").desc(), F("id").desc(), condition=Q(is_active=True), name="account_active_newest_first"
            ),
            models.Index(F("username_key"), F("id"), condition=Q(is_active=True), name="account_active_by_username"),
            models.Index(fields=["hash_cost"], name="account_hash_cost"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Canonicalize the input. Refuse values that exceed their maximum length once normalized."""
        super().clean()
        self.email = canonical_email(self.email or "")
        username = self.username or ""
        normalized = (
            ("email", self.email, LONGEST_EMAIL),
            ("username", unicodedata.normalize("NFC", username), LONGEST_USERNAME),
            ("username", username_key(username), LONGEST_USERNAME),
        )
        errors = {
            name: ValidationError(_("This is too long."), "max_length")
            for name, value, longest in normalized
            if len(value) > longest
        }
        if errors:
            raise ValidationError(errors)

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """As Django; also refuses a username whose key another account has."""
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().validate_unique(exclude)
        except ValidationError as error:
            error.update_error_dict(errors)
        key = username_key(self.username or "")
        if "username" not in (exclude or ()) and (
            type(self).objects.filter(username_key=key).exclude(pk=self.pk).exists()
        ):
            errors.setdefault("username", []).append(self.unique_error_message(type(self), ("username",)))
        if errors:
            raise ValidationError(errors)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """As Django, which asks the database about the one constraint: an address in lower case.

        Databases lower-case ASCII as Python does, and other addresses are not valid. So they are not asked.
        """
        if not self.email.isascii() or self.email != self.email.lower():
            super().validate_constraints(exclude)

    def save(
        self, *, update_fields: Iterable[str] | None = None, keep_session: uuid.UUID | None = None, **kwargs: Any
    ) -> None:
        """As Django; normalizes the username (S84).

        If password or active state changes, it also ends the sessions (S82). `keep_session` continues: the session in
        which its holder changes the password (S10). Those changes, and others of RECORDED_FIELDS, are recorded. An
        account that is active is not scheduled for deletion.
        """
        if update_fields is not None:
            update_fields = set(update_fields)
            if "username" in update_fields:
                update_fields.add("username_key")
        if self.is_active and self.deletion_due_at and (update_fields is None or "is_active" in update_fields):
            self.deletion_due_at = None
            if update_fields is not None:
                update_fields.add("deletion_due_at")
        if update_fields is None or "username" in update_fields:
            self.username = unicodedata.normalize("NFC", self.username)
        watched = RECORDED_FIELDS if update_fields is None else RECORDED_FIELDS & update_fields
        if self._state.adding or not watched:
            super().save(update_fields=update_fields, **kwargs)
            return
        with transaction.atomic():
            # Compare with the current row: this object may be stale.
            stored = _locked(Account.objects.filter(pk=self.pk)).first()
            if stored is not None:
                self.session_epoch = stored.session_epoch
                changed = {name for name in watched if getattr(self, name) != getattr(stored, name)}
                if changed & SESSION_ENDING_FIELDS:
                    self.session_epoch += 1
                    _end_sessions([self.pk], keep=keep_session)
                for name in sorted(changed):
                    _record(name, [self.pk], becomes=bool(getattr(self, name)))
            super().save(update_fields=update_fields, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django; records it. Sessions and tokens go with their account."""
        with transaction.atomic():
            events.record(EventType.DELETED, subject=self.pk)
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]

    @property
    def opens_by_mail(self) -> bool:
        """Whether whoever reads the account's mail may sign in to it, and choose its password.

        Not to one of staff whose address was never verified: a typing error would give a stranger its privileges.
        """
        return self.is_active and (self.email_verified or not (self.is_staff or self.is_superuser))

    def hand_over(self, *, encoded: str = "") -> None:
        """Give a never-verified account to whoever has proved its mailbox (S9, S85, S87); its row is locked.

        What could open it before ends: the password, sessions, identities, pending steps and mailed codes. `encoded` is
        the hash of the new password; without one the account has none.
        """
        log.warning("account %s handed to the holder of its address", self.pk)
        self.email_verified = True
        self.password = encoded or make_password(None)
        self.last_login = None
        with transaction.atomic(), origin.acting(self.pk):
            # A new password, also an unusable one, ends the sessions.
            self.save(update_fields=["email_verified", "password", "last_login"])
            events.record(EventType.TAKEN_OVER, subject=self.pk)
            handing_over.send(sender=Account, account=self)

    def end_sessions(self, *, keep: uuid.UUID | None = None) -> None:
        """Sign out everywhere, except in the session to keep."""
        with transaction.atomic():
            stored = _locked(Account.objects.filter(pk=self.pk)).first()
            if stored is not None:
                self.session_epoch = stored.session_epoch + 1
                _end_sessions([self.pk], keep=keep)

    def check_password(self, raw_password: str | None) -> bool:
        """As Django, for the normalized password and for the password as typed, which older hashes are made of (S83).

        A refusal always costs the same work: one hash at each cost that any account has (S2). Otherwise, once the cost
        setting has changed, the response time would reveal which addresses have an account.
        """
        if raw_password is None:
            return False
        prepared = prepared_password(raw_password)
        candidates = dict.fromkeys((prepared, raw_password))
        for candidate in candidates:
            is_right, is_outdated = verify_password(candidate, self.password)
            if is_right:
                if is_outdated or candidate != prepared:
                    self._renew_hash(prepared)
                return True
        # verify_password has already hashed at this account's cost, or at the current cost without a stored hash.
        for cost in {*Account.objects.hash_costs(), cost_in_force()} - {cost_of(self.password) or cost_in_force()}:
            for candidate in candidates:
                hash_at_cost(candidate, cost)
        return False

    def _renew_hash(self, password: str) -> None:
        """Store a new hash of the same password. Sessions continue."""
        renewed = make_password(password)
        # Never overwrite a password that was changed since the check.
        if Account._base_manager.filter(pk=self.pk, password=self.password).update(password=renewed):
            self.password = renewed

    def get_session_auth_hash(self) -> str:
        """The value that invalidates admin sessions when the password or the session epoch changes (S82).

        It is stored in the session, which the database keeps beside the password's hash, and SECRET_KEY and its
        fallbacks sign. Django's own value depends on the first key: servers whose first keys differ would take turns to
        replace the session, and end the requests under way in it (S90).
        """
        return hashlib.sha256(f"session|{self.password}|{self.session_epoch}".encode()).hexdigest()

    def get_full_name(self) -> str:
        """Given and family name."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """Given name."""
        return self.first_name


_next_hash_cost = Select(
    Account,
    lambda: (
        Account.objects.filter(hash_cost__gt=parameter(Account, "hash_cost"))
        .order_by("hash_cost")
        .values_list("hash_cost")[:1]
    ),
)


def _locked(accounts: models.QuerySet[Account]) -> models.QuerySet[Account]:
    """Lock the rows until the transaction ends. `no_key`: a concurrent refresh needs the row for its foreign keys."""
    return accounts.order_by("pk").select_for_update(no_key=True)


def _record(name: str, accounts: list[uuid.UUID], *, becomes: bool) -> None:
    """Record that a field of RECORDED_FIELDS changes. `becomes` is the new value of a switch."""
    match name:
        case "password":
            events.record_each(EventType.PASSWORD_CHANGED, accounts)
        case "email":
            events.record_each(EventType.EMAIL_CHANGED, accounts)
        case "is_active":
            events.record_each(EventType.ENABLED if becomes else EventType.DISABLED, accounts)
        case _:
            cause = f"{name} {'given' if becomes else 'taken'}"
            events.record_each(EventType.PRIVILEGES_CHANGED, accounts, cause=cause)


@receiver(m2m_changed, sender=Account.groups.through)
@receiver(m2m_changed, sender=Account.user_permissions.through)
def record_privileges(
    sender: type[models.Model],
    instance: models.Model,
    action: str,
    reverse: bool,  # noqa: FBT001
    pk_set: set[Any] | None,
    **_signal: Any,
) -> None:
    """Record that accounts get or lose groups or permissions, in the transaction of the change.

    A signal, since nothing else sees all ways: an account's own manager, that of a group, and forms.
    """
    if action not in {"post_add", "pre_remove", "pre_clear"}:
        return
    target, shown, kind = (
        ("group", "group__name", "groups")
        if sender is Account.groups.through
        else ("permission", "permission__codename", "permissions")
    )
    own, other = (target, "account") if reverse else ("account", target)
    chosen = {own: instance.pk} if pk_set is None else {own: instance.pk, f"{other}__in": pk_set}
    names: dict[uuid.UUID, list[str]] = {}
    rows = sender._base_manager.filter(**chosen)  # noqa: SLF001 - public in practice
    for account, name in rows.order_by(shown).values_list("account", shown):
        names.setdefault(account, []).append(name)
    accounts: dict[str, list[uuid.UUID]] = {}
    for account, its in names.items():
        accounts.setdefault(", ".join(its), []).append(account)
    verb = "given" if action == "post_add" else "taken"
    for text, those in accounts.items():
        events.record_each(EventType.PRIVILEGES_CHANGED, those, cause=f"{kind} {verb}: {text}")


def _end_sessions(accounts: list[uuid.UUID], *, keep: uuid.UUID | None = None) -> None:
    """End all sessions of these accounts, whose rows are locked: tokens, authorization codes and admin sessions.

    The session to keep continues with its tokens, although the epoch rises: only sign-ins are compared with the epoch.

    Concurrent requests do not survive it: a sign-in needs the account's lock and then finds a new epoch, and this
    waits for a refresh or code exchange. The caller writes its change afterwards, in the same transaction: writing a
    key column of the account first would block that refresh, and deadlock with it.
    """
    for start in range(0, len(accounts), BATCH):
        batch = accounts[start : start + BATCH]
        Account.objects.filter(pk__in=batch).update(session_epoch=F("session_epoch") + 1)
        sessions_ending.send(sender=Account, accounts=batch, keep=keep)
