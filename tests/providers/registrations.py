"""How we are known to the stand-ins, and how they are told apart."""

from typing import Any

import jwt

from accounts.conf import AppleProvider, Endpoints, Provider
from tests.providers.github import GITHUB_CLIENT, GITHUB_SECRET
from tests.providers.issuer import Issuer
from tests.providers.keys import key

GOOGLE_CLIENT = "web.apps.googleusercontent.com"
GOOGLE_ANDROID_CLIENT = "android.apps.googleusercontent.com"
GOOGLE_IOS_CLIENT = "ios.apps.googleusercontent.com"
GOOGLE_SECRET = "google-secret"
FACEBOOK_APP = "1234567890"
FACEBOOK_SECRET = "facebook-app-secret"
APPLE_CLIENT = "com.example.web"
APPLE_APP = "com.example.app"
APPLE_TEAM = "TEAM123456"
APPLE_KEY = "KEY1234567"
MICROSOFT_CLIENT = "6731de76-14a6-49ae-97bc-6eba6914391e"
MICROSOFT_SECRET = "microsoft-secret"
TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"
CORP_CLIENT = "corp-client"
CORP_SECRET = "corp secret: with / signs"

ADA = {
    "sub": "110169484474386276334",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.com",
    "email_verified": True,
}


def issuers(url: str) -> dict[str, Issuer]:
    """The OpenID providers, by the first part of the path."""
    apple_signs = key("apple-client-secret", "ES256")

    def made_by_us(client: str, secret: str) -> bool:
        try:
            content: dict[str, Any] = jwt.decode(
                secret,
                apple_signs.public_pem,
                algorithms=["ES256"],
                audience=f"{url}/apple",
                issuer=APPLE_TEAM,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            return False
        return content["sub"] == client and jwt.get_unverified_header(secret).get("kid") == APPLE_KEY

    microsoft = {name: value for name, value in ADA.items() if name in {"name", "email"}}
    return {
        "google": Issuer(
            f"{url}/google",
            {GOOGLE_CLIENT: GOOGLE_SECRET, GOOGLE_ANDROID_CLIENT: None, GOOGLE_IOS_CLIENT: None},
            {**ADA, "azp": GOOGLE_CLIENT},
        ),
        "apple": Issuer(
            f"{url}/apple",
            {APPLE_CLIENT: "a token that we sign", APPLE_APP: "likewise"},
            {
                "sub": "001544.a1b2c3.1234",
                "email": "ada@example.com",
                "email_verified": "true",
                "nonce_supported": True,
            },
            check_secret=made_by_us,
            without=("userinfo_endpoint", "introspection_endpoint"),
        ),
        "facebook-login": Issuer(
            f"{url}/facebook-login",
            {FACEBOOK_APP: FACEBOOK_SECRET},
            {**{name: value for name, value in ADA.items() if name != "email_verified"}, "sub": "10222270944537964"},
            without=("token_endpoint", "userinfo_endpoint", "introspection_endpoint"),
        ),
        "microsoft": Issuer(
            f"{url}/microsoft/common/v2.0",
            {MICROSOFT_CLIENT: MICROSOFT_SECRET},
            {**microsoft, "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "iss": f"{url}/microsoft/{TENANT}/v2.0"}
            | {"tid": TENANT, "oid": "00000000-0000-0000-66f3-3332eca7ea81", "ver": "2.0"},
            published_issuer=f"{url}/microsoft/{{tenantid}}/v2.0",
        ),
        "openid": Issuer(f"{url}/openid", {CORP_CLIENT: CORP_SECRET}, {**ADA, "sub": "corp-7"}, basic=True),
    }


def providers(url: str) -> tuple[Provider, ...]:
    """For the settings. None wants a nonce: the tests of nonces say so themselves."""
    return (
        Provider(
            name="google-oauth2",
            aliases=("google",),
            label="Google",
            backend="accounts.social.providers.google.google",
            client_ids=(GOOGLE_CLIENT, GOOGLE_ANDROID_CLIENT, GOOGLE_IOS_CLIENT),
            client_secret=GOOGLE_SECRET,
            issuer=f"{url}/google",
            nonce_required=False,
            endpoints=Endpoints(tokeninfo=f"{url}/google/tokeninfo", userinfo=f"{url}/google/userinfo"),
        ),
        AppleProvider(
            name="apple-id",
            aliases=("apple",),
            label="Apple",
            backend="accounts.social.providers.apple.apple",
            client_ids=(APPLE_CLIENT, APPLE_APP),
            scopes=("openid", "name", "email"),
            team_id=APPLE_TEAM,
            key_id=APPLE_KEY,
            private_key=key("apple-client-secret", "ES256").pem,
            issuer=f"{url}/apple",
            nonce_required=False,
        ),
        Provider(
            name="facebook",
            label="Facebook",
            backend="accounts.social.providers.facebook.facebook",
            client_ids=(FACEBOOK_APP,),
            client_secret=FACEBOOK_SECRET,
            scopes=("email", "public_profile"),
            issuer=f"{url}/facebook-login",
            nonce_required=False,
            endpoints=Endpoints(
                authorization=f"{url}/facebook/v24.0/dialog/oauth",
                token=f"{url}/facebook/v24.0/oauth/access_token",
                api=f"{url}/facebook/v24.0",
            ),
        ),
        Provider(
            name="microsoft",
            label="Microsoft",
            backend="accounts.social.providers.microsoft.microsoft",
            client_ids=(MICROSOFT_CLIENT,),
            client_secret=MICROSOFT_SECRET,
            issuer=f"{url}/microsoft/common/v2.0",
            nonce_required=False,
        ),
        Provider(
            name="github",
            label="GitHub",
            backend="accounts.social.providers.github.github",
            client_ids=(GITHUB_CLIENT,),
            client_secret=GITHUB_SECRET,
            scopes=("read:user", "user:email"),
            nonce_required=False,
            endpoints=Endpoints(
                authorization=f"{url}/github/login/oauth/authorize",
                token=f"{url}/github/login/oauth/access_token",
                api=f"{url}/github/api",
            ),
        ),
        Provider(
            name="corp",
            label="Corp",
            client_ids=(CORP_CLIENT,),
            client_secret=CORP_SECRET,
            token_auth_method="client_secret_basic",
            issuer=f"{url}/openid",
            nonce_required=False,
            introspection=True,
        ),
    )


def environment(url: str) -> dict[str, str]:
    """The same for a server process of ours."""
    return {
        "GOOGLE_CLIENT_IDS": f"{GOOGLE_CLIENT},{GOOGLE_ANDROID_CLIENT},{GOOGLE_IOS_CLIENT}",
        "GOOGLE_CLIENT_SECRET": GOOGLE_SECRET,
        "GOOGLE_ISSUER": f"{url}/google",
        "GOOGLE_TOKENINFO_URL": f"{url}/google/tokeninfo",
        "GOOGLE_USERINFO_URL": f"{url}/google/userinfo",
        "APPLE_CLIENT_IDS": f"{APPLE_CLIENT},{APPLE_APP}",
        "APPLE_TEAM_ID": APPLE_TEAM,
        "APPLE_KEY_ID": APPLE_KEY,
        "APPLE_PRIVATE_KEY": key("apple-client-secret", "ES256").pem.replace("\n", "\\n"),
        "APPLE_ISSUER": f"{url}/apple",
        "FACEBOOK_APP_ID": FACEBOOK_APP,
        "FACEBOOK_APP_SECRET": FACEBOOK_SECRET,
        "FACEBOOK_ISSUER": f"{url}/facebook-login",
        "FACEBOOK_GRAPH_URL": f"{url}/facebook/v24.0",
        "FACEBOOK_DIALOG_URL": f"{url}/facebook/v24.0/dialog/oauth",
        "MICROSOFT_CLIENT_IDS": MICROSOFT_CLIENT,
        "MICROSOFT_CLIENT_SECRET": MICROSOFT_SECRET,
        "MICROSOFT_ISSUER": f"{url}/microsoft/common/v2.0",
        "GITHUB_CLIENT_ID": GITHUB_CLIENT,
        "GITHUB_CLIENT_SECRET": GITHUB_SECRET,
        "GITHUB_URL": f"{url}/github",
        "GITHUB_API_URL": f"{url}/github/api",
        "OPENID_PROVIDERS": "corp",
        "OPENID_CORP_ISSUER": f"{url}/openid",
        "OPENID_CORP_CLIENT_IDS": CORP_CLIENT,
        "OPENID_CORP_CLIENT_SECRET": CORP_SECRET,
        "OPENID_CORP_INTROSPECTION": "true",
        "GOOGLE_NONCE_REQUIRED": "false",
        "APPLE_NONCE_REQUIRED": "false",
        "FACEBOOK_NONCE_REQUIRED": "false",
        "MICROSOFT_NONCE_REQUIRED": "false",
        "OPENID_CORP_NONCE_REQUIRED": "false",
    }
