"""Nothing that a table holds about a person is forgotten: neither a table nor a column."""

import re

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from accounts.leaving.holdings import HOLDINGS, NO_HOLDINGS
from accounts.people.models import Account
from accounts.tokens.models import Session

MODELS = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}
SECRETS = re.compile(r"password|token|checksum|secret|digest|nonce|(^|_)code($|_)|hash")


LISTED = {holding.model for holding in HOLDINGS}


def forgotten(models_by_label: dict[str, type[models.Model]]) -> set[str]:
    """The tables that are neither listed nor excluded."""
    return models_by_label.keys() - LISTED - NO_HOLDINGS.keys()


def of_a_person(models_by_label: dict[str, type[models.Model]]) -> set[str]:
    """The tables that point to an account, or to a row that goes with one, at any distance.

    Rows that outlive the account, such as a client, are nobody's: what points to them need not be about a person.
    """
    outlive = {holding.model for holding in HOLDINGS if holding.kept}
    found, size = {Account._meta.label}, 0
    while size < len(found):
        size = len(found)
        found |= {
            label
            for label, model in models_by_label.items()
            for field in model._meta.concrete_fields
            if field.related_model and field.related_model._meta.label in found - outlive
        }
    return found


def test_each_table_is_listed_or_excluded():
    """All of them, whatever their columns are called: a new one has to be thought about."""
    assert forgotten(MODELS) == set()
    assert LISTED.isdisjoint(NO_HOLDINGS)


def test_each_table_of_a_person_is_listed():
    """No reason excludes one."""
    assert of_a_person(MODELS) <= LISTED


@pytest.fixture
def with_two_more():
    """All tables, and two of an app that forgot them."""
    with isolate_apps("tests"):

        class Device(models.Model):  # noqa: DJ008
            session = models.ForeignKey(Session, models.CASCADE, related_name="+")
            pushed_to = models.TextField()

            class Meta:
                app_label = "tests"

        class Contact(models.Model):  # noqa: DJ008
            phone_number = models.TextField()

            class Meta:
                app_label = "tests"

    return {**MODELS, "tests.Device": Device, "tests.Contact": Contact}


def test_a_new_table_is_noticed(with_two_more):
    """One that points to a session only, and one with a name that nobody foresaw."""
    assert forgotten(with_two_more) == {"tests.Device", "tests.Contact"}
    assert of_a_person(with_two_more) - of_a_person(MODELS) == {"tests.Device"}


@pytest.mark.parametrize("holding", HOLDINGS, ids=lambda holding: holding.name)
def test_each_column_is_exported_or_withheld(holding):
    """With a reason; and every name is a column's."""
    columns = {field.name for field in MODELS[holding.model]._meta.concrete_fields}
    exported = {path.partition("__")[0] for path in holding.exported}

    assert exported | holding.withheld.keys() - {"*"} <= columns
    assert "*" in holding.withheld or exported | holding.withheld.keys() == columns
    assert all(holding.withheld.values())


@pytest.mark.parametrize("holding", HOLDINGS, ids=lambda holding: holding.name)
def test_no_secret_is_exported(holding):
    """S15: by the names of the columns."""
    assert [path for path in holding.exported if SECRETS.search(path)] == []


def test_what_is_excluded_exists_and_has_a_reason():
    """No entry outlives its table."""
    assert NO_HOLDINGS.keys() <= MODELS.keys()
    assert all(NO_HOLDINGS.values())
    assert len({holding.name for holding in HOLDINGS}) == len(HOLDINGS)
