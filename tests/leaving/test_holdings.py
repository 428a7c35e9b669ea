"""Nothing that a table holds about a person is forgotten: neither a table nor a column."""

import re

import pytest
from django.apps import apps
from django.db import models

from accounts.leaving.holdings import HOLDINGS, NO_HOLDINGS
from accounts.people.models import Account

MODELS = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}
NAMES_SOMEBODY = re.compile(
    r"(^|_)(user|account|owner|subject|sub|actor|email|uid|username|phone|ip_address|user_agent|object_id|object_repr"
    r"|digest|data|claims)$"
)
"""Columns that may hold who somebody is, by their names."""
SECRETS = re.compile(r"password|token|checksum|secret|digest|nonce|(^|_)code($|_)|hash")


def may_name_a_person(model: type[models.Model]) -> list[str]:
    """The columns that point to an account, or may hold something of one."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if field.related_model is Account or isinstance(field, models.JSONField) or NAMES_SOMEBODY.search(field.name)
    ]


@pytest.mark.parametrize("label", MODELS)
def test_each_table_that_may_name_a_person_is_exported_or_excluded(label):
    """By a foreign key to an account, or by a column that can hold its id, its subject or its address."""
    listed = {holding.model for holding in HOLDINGS}

    if may_name_a_person(MODELS[label]):
        assert label in listed | NO_HOLDINGS.keys()
    assert not (label in listed and label in NO_HOLDINGS)


def test_each_table_that_points_to_an_account_is_exported():
    """No reason excludes one."""
    pointing = {
        label
        for label, model in MODELS.items()
        if any(field.related_model is Account for field in model._meta.concrete_fields)
    }

    assert pointing <= {holding.model for holding in HOLDINGS}


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
