// The rules of @graphql-eslint for schemas, Relay's among them, on the committed schema.
import { readFileSync } from "node:fs";
import graphql from "@graphql-eslint/eslint-plugin";

const schema = readFileSync(new URL("../schema/schema.graphql", import.meta.url), "utf8");

export default [
  {
    files: ["**/schema.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      // The standard's own directive, which Strawberry prints without a description.
      "@graphql-eslint/require-description": [
        "error",
        {
          ...graphql.configs["flat/schema-recommended"].rules["@graphql-eslint/require-description"][1],
          ignoredSelectors: ["DirectiveDefinition[name.value=oneOf]"],
        },
      ],
      // Values without an identity: nothing but an account and a profile can be fetched again, or be in a cache.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          acceptedIdNames: ["id"],
          acceptedIdTypes: ["ID"],
          exceptions: {
            types: [
              "AuthConfig",
              "AuthError",
              "MailedCode",
              "MfaStatus",
              "PageInfo",
              "PasskeyCeremony",
              "PasskeyUser",
              "PasswordPolicy",
              "ProfileSuggestion",
              "SocialAuthorization",
              "SocialNonce",
              "SocialProvider",
              "TokenSet",
              "TotpEnrollment",
            ],
            suffixes: ["Challenge", "Connection", "Edge", "Payload"],
          },
        },
      ],
      // `nodes`, for those who page by `pageInfo`, is a list of User beside the edges.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
      // `User.username` is the name that everybody knows it by.
      "@graphql-eslint/no-typename-prefix": "off",
    },
  },
];
