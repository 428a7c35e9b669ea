/** Example operations. Each that can fail as expected selects `errors`: otherwise the failure is silent. */
export const EXAMPLES = [
  {
    title: "Who am I?",
    query: `# To sign in, click the key on the left.
# More examples are below it.
query Me {
  me {
    id
    email
    emailVerified
    username
    lastLogin
  }
}
`,
  },
  {
    title: "Create an account",
    query: `mutation Register {
  register(
    input: {
      email: "grace@example.com"
      username: "grace"
      firstName: "Grace"
      password: "a ship in port is safe"
    }
  ) {
    tokens {
      accessToken
      refreshToken
      expiresIn
    }
    account {
      id
      email
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Sign in",
    query: `mutation TokenAuth {
  tokenAuth(input: { email: "grace@example.com", password: "a ship in port is safe" }) {
    tokens {
      accessToken
      refreshToken
      expiresIn
      refreshTokenExpiresIn
      scope
    }
    challenge {
      __typename
      token
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Refresh the tokens",
    query: `mutation RefreshToken {
  refreshToken(input: { refreshToken: "…" }) {
    tokens {
      accessToken
      refreshToken
      expiresIn
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Sign in with Google",
    query: `mutation ConvertSocialToken {
  convertSocialToken(input: { provider: "google", credential: { accessToken: "ya29.…" } }) {
    tokens {
      accessToken
      refreshToken
    }
    account {
      email
    }
    isNewAccount
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Confirm the address with the mailed code",
    query: `# In development, http://localhost:8000/dev/outbox shows the mails.
mutation VerifyEmail {
  verifyEmail(input: { code: "BCDF-GHJK" }) {
    account {
      emailVerified
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Ask for a new password",
    query: `mutation RequestPasswordReset {
  requestPasswordReset(input: { email: "grace@example.com" }) {
    mailedCode {
      token
      expiresIn
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Choose a new password with the mailed code",
    query: `mutation ResetPassword {
  resetPassword(
    input: {
      credential: { code: { challengeToken: "…", code: "BCDF-GHJK" } }
      newPassword: "seven geese walk to Uppsala"
    }
  ) {
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Sign in with a mailed code",
    query: `# The token is that of requestLoginCode.
mutation TokenAuthWithCode {
  tokenAuthWithCode(input: { credential: { code: { challengeToken: "…", code: "BCDF-GHJK" } } }) {
    tokens {
      accessToken
      refreshToken
      expiresIn
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Set up an authenticator app",
    query: `# Needs a verified address. Put the secret or the URI into the app.
mutation CreateTotpEnrollment {
  createTotpEnrollment {
    enrollment {
      token
      secret
      uri
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Confirm the authenticator app with its code",
    query: `mutation ConfirmTotpEnrollment {
  confirmTotpEnrollment(input: { challengeToken: "…", code: "123456" }) {
    recoveryCodes
    account {
      mfa {
        enabled
        methods
        recoveryCodesRemaining
      }
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Sign in with the second factor",
    query: `# The token is that of an MfaChallenge, which tokenAuth and the other sign-ins return.
mutation AnswerMfaChallenge {
  answerMfaChallenge(input: { challengeToken: "…", factor: { totpCode: "123456" } }) {
    tokens {
      accessToken
      refreshToken
      expiresIn
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Make new recovery codes",
    query: `mutation RegenerateRecoveryCodes {
  regenerateRecoveryCodes {
    recoveryCodes
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Change the address",
    query: `mutation RequestEmailChange {
  requestEmailChange(input: { newEmail: "admiral@example.com" }) {
    account {
      email
      pendingEmail
    }
    errors {
      code
      field
      message
    }
  }
}
`,
  },
  {
    title: "Users, page by page",
    query: `query Users($after: String) {
  users(first: 10, after: $after) {
    nodes {
      id
      username
      dateJoined
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
  },
  {
    title: "Sign out",
    query: `mutation RevokeToken {
  revokeToken {
    errors {
      code
      message
    }
  }
}
`,
  },
];
