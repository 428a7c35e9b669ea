"""Its queries and mutations."""

import strawberry
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from gqlauth.core.middlewares import JwtSchema
from gqlauth.user import arg_mutations as mutations
from gqlauth.user.queries import UserQueries
from strawberry.django.views import GraphQLView


@strawberry.type
class Mutation:
    """The mutations."""

    verify_token = mutations.VerifyToken.field
    token_auth = mutations.ObtainJSONWebToken.field
    register = mutations.Register.field
    refresh_token = mutations.RefreshToken.field
    revoke_token = mutations.RevokeToken.field


schema = JwtSchema(query=UserQueries, mutation=Mutation)
urlpatterns = [path("graphql", csrf_exempt(GraphQLView.as_view(schema=schema, graphql_ide=None)))]
