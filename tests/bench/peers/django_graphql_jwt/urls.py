"""Its mutations, and `me`."""

import graphene
import graphql_jwt
from django.contrib.auth.models import User
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django import DjangoObjectType
from graphene_django.views import GraphQLView
from graphql_jwt.decorators import login_required


class UserType(DjangoObjectType):
    """The fields that all answer."""

    class Meta:
        model = User
        fields = ("id", "email", "username")


class Query(graphene.ObjectType):
    """The queries."""

    me = graphene.Field(UserType)

    @login_required
    def resolve_me(self, info: graphene.ResolveInfo) -> User:
        """Answer the signed-in user."""
        return info.context.user


class Mutation(graphene.ObjectType):
    """The mutations."""

    token_auth = graphql_jwt.ObtainJSONWebToken.Field()
    verify_token = graphql_jwt.Verify.Field()
    refresh_token = graphql_jwt.Refresh.Field()
    revoke_token = graphql_jwt.Revoke.Field()


schema = graphene.Schema(query=Query, mutation=Mutation)
urlpatterns = [path("graphql", csrf_exempt(GraphQLView.as_view(graphiql=False)))]
