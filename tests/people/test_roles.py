"""`isStaff`, `groups` and `permissions`: what a front end draws."""

import pytest
from django.contrib.auth.models import Group, Permission

from tests.factories import make_account
from tests.schema.test_statements import statements

ROLES = "{ me { isStaff groups permissions } }"


@pytest.fixture
def editors(db) -> Group:
    """A group that may change and view accounts."""
    group = Group.objects.create(name="Editors")
    group.permissions.set(Permission.objects.filter(codename__in=["change_account", "view_account"]))
    return group


def test_an_account_without_roles_has_none(graphql, signed_in):
    """Empty lists, not null."""
    assert graphql(ROLES, token=signed_in.access_token).data["me"] == {
        "isStaff": False,
        "groups": [],
        "permissions": [],
    }


def test_permissions_are_those_of_the_account_and_of_its_groups(graphql, sign_in, editors):
    """Each once, sorted."""
    account = make_account(is_staff=True)
    account.groups.set([editors, Group.objects.create(name="Authors")])
    account.user_permissions.set(Permission.objects.filter(codename__in=["view_account", "view_client"]))

    assert graphql(ROLES, token=sign_in(account).access_token).data["me"] == {
        "isStaff": True,
        "groups": ["Authors", "Editors"],
        "permissions": ["accounts.change_account", "accounts.view_account", "accounts.view_client"],
    }


def test_a_superuser_has_all_permissions(graphql, sign_in, db):
    """As Django decides."""
    account = make_account(is_staff=True, is_superuser=True)

    permissions = graphql(ROLES, token=sign_in(account).access_token).data["me"]["permissions"]

    everything = Permission.objects.values_list("content_type__app_label", "codename")
    assert permissions == sorted(f"{app}.{codename}" for app, codename in everything)


def test_a_change_is_seen_by_the_next_request(graphql, sign_in, editors):
    """Nothing is kept between requests."""
    account = make_account()
    token = sign_in(account).access_token
    account.groups.add(editors)
    assert graphql(ROLES, token=token).data["me"]["groups"] == ["Editors"]

    account.groups.clear()

    assert graphql(ROLES, token=token).data["me"] == {"isStaff": False, "groups": [], "permissions": []}


def test_others_do_not_see_them(graphql, sign_in, editors, account):
    """They are fields of one's own account, which `node` gives to nobody else."""
    account.groups.add(editors)
    own = graphql("{ me { id } }", token=sign_in(account).access_token).data["me"]["id"]
    query = "query ($id: ID!) { node(id: $id) { ... on Account { groups permissions } } }"

    assert graphql("{ users { nodes { groups } } }").codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert graphql(query, token=sign_in(make_account()).access_token, id=own).data == {"node": None}


@pytest.mark.parametrize("copies", [1, 10])
def test_roles_are_few_statements_however_often_they_are_asked_for(graphql, sign_in, editors, copies):
    """Groups are one, permissions two; aliases repeat none of them."""
    account = make_account()
    account.groups.add(editors)
    token = sign_in(account).access_token
    graphql(ROLES, token=token)
    aliases = " ".join(f"g{n}: groups p{n}: permissions" for n in range(copies))

    with statements() as sent:
        assert graphql(f"{{ me {{ {aliases} }} }}", token=token).data["me"]["g0"] == ["Editors"]

    assert len(sent) == 1 + 3
