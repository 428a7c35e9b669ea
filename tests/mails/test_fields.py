"""A wrong link or code is reported at the input that holds it."""

import pytest

from tests.api import refusals

BAD = "bm90IGEgbGluaw=="
LINKS = {
    "verifyEmail": ({"link": {"token": BAD}}, ["link", "token"]),
    "disownRegistration": ({"token": BAD}, ["token"]),
    "resetPassword": (
        {"credential": {"linkToken": BAD}, "newPassword": "a passphrase of the holder"},
        ["credential", "linkToken"],
    ),
    "tokenAuthWithCode": ({"credential": {"linkToken": BAD}}, ["credential", "linkToken"]),
    "confirmEmailChange": ({"token": BAD}, ["token"]),
    "undoEmailChange": ({"token": BAD}, ["token"]),
    "secureAccount": ({"token": BAD}, ["token"]),
    "cancelAccountDeletion": ({"token": BAD}, ["token"]),
}
TYPES = {
    "disownRegistration": "MailedTokenInput",
    "undoEmailChange": "MailedTokenInput",
    "secureAccount": "MailedTokenInput",
}


@pytest.mark.parametrize("mutation", LINKS)
def test_a_wrong_link_is_reported_at_its_input(graphql, signed_in, mutation):
    """In the same way by every mutation that takes one."""
    given, field = LINKS[mutation]
    type_ = TYPES.get(mutation, f"{mutation[0].upper()}{mutation[1:]}Input")
    query = f"mutation ($input: {type_}!) {{ {mutation}(input: $input) {{ errors {{ code field }} }} }}"

    payload = graphql(query, token=signed_in.access_token, input=given).data[mutation]

    assert refusals(payload) == [("INVALID_CODE", field)]
