"""Its addresses, and `me` as a view of Django REST Framework."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView


class UserSerializer(ModelSerializer):
    """The fields that all answer."""

    class Meta:
        model = User
        fields = ("id", "email", "username")


class Me(APIView):
    """The signed-in user."""

    permission_classes: ClassVar = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        """Answer the user."""
        return Response(UserSerializer(request.user).data)


urlpatterns = [path("auth/", include("drf_social_oauth2.urls", namespace="drf")), path("me", Me.as_view())]
