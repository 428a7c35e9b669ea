"""One call for each line of the table in docs/guard.md: a mutation and one of its outcomes.

A new mutation needs a line there, and a journey here.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.tokens.models import Client, Session
from tests.api import CONVERT, PASSWORD, GraphQL, SignedIn, SignIn
from tests.factories import make_account
from tests.providers.server import Providers
from tests.schema.test_nodes import global_id

NEW = "a passphrase of the holder"
WRONG = "a passphrase of nobody"
CALLBACK = "https://app.example/callback"


@dataclass(frozen=True)
class Call:
    """The one call of a journey; all else was done before it."""

    input: dict[str, Any] | None = None
    token: str | None = None
    headers: dict[str, str] | None = None


@dataclass
class World:
    """What journeys begin with."""

    graphql: GraphQL
    providers: Providers
    sign_in: SignIn
    settings: Any
    """To change them."""
    _signed_in: list[SignedIn] = field(default_factory=list)

    @property
    def me(self) -> SignedIn:
        """Somebody who has just signed in with a password."""
        if not self._signed_in:
            self._signed_in.append(self.sign_in(make_account()))
        return self._signed_in[0]

    def become(self, somebody: SignedIn) -> str:
        """Be somebody who has signed in otherwise; returns the access token."""
        self._signed_in.insert(0, somebody)
        return somebody.access_token

    def convert(self, token: str, provider: str = "google") -> Any:
        """The payload of a sign-in through a provider."""
        given = {"provider": provider, "credential": {"accessToken": token}}
        return self.graphql(CONVERT, input=given).data["convertSocialToken"]

    def linked(self) -> str:
        """The id of a social account of mine."""
        query = "{ me { socialAccounts { id } } }"
        self.graphql(LINK, token=self.me.access_token, input=link(self).input)
        accounts = self.graphql(query, token=self.me.access_token).data["me"]["socialAccounts"]
        return str(accounts[0]["id"])


LINK = "mutation ($input: LinkSocialAccountInput!) { linkSocialAccount(input: $input) { errors { code } } }"

Journey = Callable[[World], Call]
JOURNEYS: dict[tuple[str, str], Journey] = {}


def journey(mutation: str, outcome: str = "success") -> Callable[[Journey], Journey]:
    """Register the journey to an outcome of a mutation."""

    def register(made: Journey) -> Journey:
        JOURNEYS[mutation, outcome] = made
        return made

    return register


REGISTRATION = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}


@journey("register")
def register(_world: World) -> Call:
    """A new account."""
    return Call(REGISTRATION)


@journey("register", "refused")
def register_again(_world: World) -> Call:
    """The address is taken."""
    make_account(email="ada@example.com")
    return Call(REGISTRATION)


@journey("tokenAuth")
def token_auth(_world: World) -> Call:
    """With the password."""
    return Call({"email": make_account().email, "password": PASSWORD})


@journey("tokenAuth", "refused")
def token_auth_with_another_password(_world: World) -> Call:
    """With another."""
    return Call({"email": make_account().email, "password": WRONG})


@journey("refreshToken")
def refresh_token(world: World) -> Call:
    """In time."""
    return Call({"refreshToken": world.me.refresh_token})


@journey("refreshToken", "refused")
def refresh_an_ended_session(world: World) -> Call:
    """After it ended."""
    world.me.account.end_sessions()
    return Call({"refreshToken": world.me.refresh_token})


@journey("revokeToken")
def revoke_token(world: World) -> Call:
    """Sign out."""
    return Call({"token": world.me.refresh_token})


@journey("revokeToken", "token unknown")
def revoke_nothing(_world: World) -> Call:
    """There is nothing to end."""
    return Call({"token": "made-up-token-of-nobody"})


@journey("revokeToken", "refused")
def revoke_with_a_secret(world: World) -> Call:
    """The client has none."""
    return Call({"token": world.me.refresh_token, "clientSecret": "a-secret-of-nobody"})


def converting(token: str) -> Call:
    """A sign-in through Google."""
    return Call({"provider": "google", "credential": {"accessToken": token}})


@journey("convertSocialToken", "signed up")
def convert_at_first(world: World) -> Call:
    """The provider tells all that is needed."""
    return converting(world.providers.google_token())


@journey("convertSocialToken", "signed in")
def convert_again(world: World) -> Call:
    """The identity has an account."""
    world.convert(world.providers.google_token())
    return converting(world.providers.google_token())


@journey("convertSocialToken", "account handed over")
def convert_a_squatted_address(world: World) -> Call:
    """Somebody had registered the address without proving it."""
    make_account(email="ada@example.com")
    return converting(world.providers.google_token())


@journey("convertSocialToken", "refused, or one more step needed")
def convert_the_address_of_an_account(world: World) -> Call:
    """It has a password."""
    make_account(email="ada@example.com", email_verified=True)
    return converting(world.providers.google_token())


def profile_challenge(world: World) -> str:
    """Facebook has not told the address."""
    payload = world.convert(world.providers.facebook_token(email=None), "facebook")
    return str(payload["challenge"]["token"])


@journey("answerProfileChallenge")
def answer_profile_challenge(world: World) -> Call:
    """With what was left out."""
    return Call({"challengeToken": profile_challenge(world), "email": "grace@example.com"})


@journey("answerProfileChallenge", "refused")
def answer_profile_challenge_wrongly(world: World) -> Call:
    """With no address."""
    return Call({"challengeToken": profile_challenge(world), "email": "this-is-no-address"})


@journey("createSocialAuthUrl")
def create_social_auth_url(_world: World) -> Call:
    """To a registered address."""
    Client.objects.update(redirect_uris=CALLBACK)
    return Call({"provider": "google", "redirectUri": CALLBACK})


@journey("createSocialAuthUrl", "refused")
def create_social_auth_url_elsewhere(_world: World) -> Call:
    """To another."""
    return Call({"provider": "google", "redirectUri": "https://evil.example/callback"})


@journey("createSocialNonce")
def create_social_nonce(_world: World) -> Call:
    """For a provider."""
    return Call({"provider": "google"})


@journey("createSocialNonce", "refused")
def create_social_nonce_for_nobody(_world: World) -> Call:
    """For one that is not configured."""
    return Call({"provider": "nobody-provides"})


def linking(world: World, token: str) -> Call:
    """Google's token, to my account."""
    credential = {"provider": "google", "credential": {"accessToken": token}}
    return Call({"source": {"credential": credential}}, world.me.access_token)


@journey("linkSocialAccount")
def link(world: World) -> Call:
    """A fresh credential."""
    return linking(world, world.providers.google_token(email="other@example.com"))


@journey("linkSocialAccount", "linked already")
def link_again(world: World) -> Call:
    """To the same account."""
    world.linked()
    return link(world)


@journey("linkSocialAccount", "refused")
def link_a_made_up_token(world: World) -> Call:
    """The provider does not know it."""
    return linking(world, "made-up-token-of-nobody")


@journey("unlinkSocialAccount")
def unlink(world: World) -> Call:
    """There is a password, too."""
    return Call({"id": world.linked()}, world.me.access_token)


@journey("unlinkSocialAccount", "refused")
def unlink_nothing(world: World) -> Call:
    """Nothing has that id."""
    return Call({"id": "made-up-id-of-nothing"}, world.me.access_token)


@journey("changePassword")
def change_password(world: World) -> Call:
    """With the present one."""
    return Call({"currentPassword": PASSWORD, "newPassword": NEW}, world.me.access_token)


@journey("changePassword", "refused")
def change_password_with_another(world: World) -> Call:
    """With another."""
    return Call({"currentPassword": WRONG, "newPassword": NEW}, world.me.access_token)


@journey("changePassword", "refused for the form of the input")
def change_password_to_a_weak_one(world: World) -> Call:
    """Before the present one is looked at."""
    return Call({"currentPassword": WRONG, "newPassword": "a-weak-word"}, world.me.access_token)


@journey("updateAccount")
def update_account(world: World) -> Call:
    """A name."""
    return Call({"firstName": "Augusta"}, world.me.access_token)


@journey("updateAccount", "refused")
def update_account_wrongly(world: World) -> Call:
    """With a username that is taken."""
    return Call({"username": make_account(username="somebody-else").username}, world.me.access_token)


@journey("reauthenticate")
def reauthenticate(world: World) -> Call:
    """With the password."""
    return Call({"credential": {"password": PASSWORD}}, world.me.access_token)


@journey("reauthenticate", "refused")
def reauthenticate_with_another_password(world: World) -> Call:
    """With another."""
    return Call({"credential": {"password": WRONG}}, world.me.access_token)


@journey("revokeSession")
def revoke_session(world: World) -> Call:
    """The only one."""
    query = "{ me { sessions { nodes { id } } } }"
    (session,) = world.graphql(query, token=world.me.access_token).data["me"]["sessions"]["nodes"]
    return Call({"id": session["id"]}, world.me.access_token)


@journey("revokeSession", "unknown")
def revoke_a_session_of_nobody(world: World) -> Call:
    """No session has that id."""
    return Call({"id": global_id("Session", uuid.uuid4())}, world.me.access_token)


@journey("revokeOtherSessions")
def revoke_other_sessions(world: World) -> Call:
    """There is one."""
    world.sign_in(world.me.account)
    return Call(None, world.me.access_token)


@journey("revokeAllSessions")
def revoke_all_sessions(world: World) -> Call:
    """There is one more."""
    world.sign_in(world.me.account)
    return Call(None, world.me.access_token)


@journey("exportAccount")
def export_account(world: World) -> Call:
    """Right after signing in."""
    return Call(None, world.me.access_token)


@journey("exportAccount", "refused")
def export_account_without_proof(world: World) -> Call:
    """Long after signing in."""
    return Call(None, without_proof(world))


@journey("deleteAccount")
def delete_account(world: World) -> Call:
    """Right after signing in."""
    return Call({}, world.me.access_token)


@journey("deleteAccount", "refused")
def delete_account_without_proof(world: World) -> Call:
    """Long after signing in."""
    return Call({}, without_proof(world))


def without_proof(world: World) -> str:
    """My access token, in a session that proved nothing lately."""
    token = world.me.access_token
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    return token
