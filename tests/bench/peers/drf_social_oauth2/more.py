"""Its OAuth client: a public one, as ours is. The secret of a confidential one would cost a second hash."""

from oauth2_provider.models import get_application_model


def make() -> None:
    """Make the client `bench`."""
    clients = get_application_model()
    clients.objects.create(
        name="bench",
        client_id="bench",
        client_type=clients.CLIENT_PUBLIC,
        authorization_grant_type=clients.GRANT_PASSWORD,
    )
