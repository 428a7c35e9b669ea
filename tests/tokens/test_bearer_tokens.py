"""`accounts.bearer_tokens`, the former name of `accounts.tokens.api`."""

from importlib import import_module

import pytest

from accounts.tokens import api


def test_the_former_name_still_works_and_says_the_new_one():
    """Code of deployments imports it."""
    with pytest.warns(DeprecationWarning, match=r"accounts\.tokens\.api"):
        former = import_module("accounts.bearer_tokens")

    assert former.issue is api.issue
