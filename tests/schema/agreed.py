"""Names and types of accounts and sessions that were agreed before they were built: they never have to change."""

ROOTS = {
    "Query": {"me", "users", "node", "nodes", "authConfig"},
    "Mutation": {
        "register",
        "tokenAuth",
        "refreshToken",
        "convertSocialToken",
        "revokeToken",
        "createSocialAuthUrl",
        "createSocialNonce",
        "answerProfileChallenge",
        "linkSocialAccount",
        "unlinkSocialAccount",
    },
}
"""Those of the issues before."""

FIELDS = """
Mutation.changePassword(input: ChangePasswordInput!): ChangePasswordPayload!
Mutation.updateAccount(input: UpdateAccountInput!): UpdateAccountPayload!
Mutation.deleteAccount(input: DeleteAccountInput): DeleteAccountPayload!
Mutation.exportAccount: ExportAccountPayload!
Mutation.reauthenticate(input: ReauthenticateInput!): ReauthenticatePayload!
Mutation.revokeSession(input: RevokeSessionInput!): RevokeSessionPayload!
Mutation.revokeOtherSessions: RevokeOtherSessionsPayload!
Mutation.revokeAllSessions: RevokeAllSessionsPayload!
Account.locale: String!
Account.sessions(first: Int, after: String, last: Int, before: String): SessionConnection!
Account.securityEvents(first: Int, after: String, last: Int, before: String): SecurityEventConnection!
Account.reauthenticationMethods: [ReauthenticationMethod!]!
ChangePasswordInput.currentPassword: String
ChangePasswordInput.newPassword: String!
ChangePasswordPayload.account: Account
ChangePasswordPayload.errors: [AuthError!]!
UpdateAccountInput.username: String
UpdateAccountInput.firstName: String
UpdateAccountInput.lastName: String
UpdateAccountInput.locale: String
UpdateAccountPayload.account: Account
UpdateAccountPayload.errors: [AuthError!]!
DeleteAccountInput.appleCode: String
DeleteAccountPayload.scheduledFor: DateTime
DeleteAccountPayload.errors: [AuthError!]!
ExportAccountPayload.data: JSON
ExportAccountPayload.errors: [AuthError!]!
ReauthenticateInput.credential: ReauthenticationCredentialInput!
ReauthenticationCredentialInput.password: String
ReauthenticationCredentialInput.social: ProviderCredentialInput
ReauthenticatePayload.expiresIn: Int
ReauthenticatePayload.errors: [AuthError!]!
RevokeSessionInput.id: ID!
RevokeSessionPayload.deletedSessionId: ID
RevokeSessionPayload.errors: [AuthError!]!
RevokeOtherSessionsPayload.revokedCount: Int!
RevokeOtherSessionsPayload.errors: [AuthError!]!
RevokeAllSessionsPayload.revokedCount: Int!
RevokeAllSessionsPayload.errors: [AuthError!]!
Session.id: ID!
Session.clientName: String!
Session.createdAt: DateTime!
Session.authenticatedAt: DateTime!
Session.authenticationMethods: [AuthenticationMethod!]!
Session.lastUsedAt: DateTime!
Session.expiresAt: DateTime!
Session.ipAddress: String
Session.userAgent: String
Session.isCurrent: Boolean!
Session.reauthenticatedUntil: DateTime
SessionConnection.edges: [SessionEdge!]!
SessionConnection.nodes: [Session!]!
SessionConnection.pageInfo: PageInfo!
SessionEdge.cursor: String!
SessionEdge.node: Session!
SecurityEvent.id: ID!
SecurityEvent.type: String!
SecurityEvent.message: String!
SecurityEvent.createdAt: DateTime!
SecurityEvent.ipAddress: String
SecurityEvent.userAgent: String
SecurityEventConnection.edges: [SecurityEventEdge!]!
SecurityEventConnection.nodes: [SecurityEvent!]!
SecurityEventConnection.pageInfo: PageInfo!
SecurityEventEdge.cursor: String!
SecurityEventEdge.node: SecurityEvent!
AuthError.code: AuthErrorCode!
AuthError.message: String!
AuthError.field: [String!]
AuthError.retryAfter: Int
"""
"""A field a line, with its arguments and its type."""

VALUES = {
    "AuthErrorCode": {"RATE_LIMITED", "REAUTHENTICATION_REQUIRED", "NOT_FOUND", "USERNAME_TAKEN"},
    "AuthenticationMethod": {"PASSWORD", "SOCIAL"},
    "ReauthenticationMethod": {"PASSWORD", "SOCIAL"},
}
"""Values of enums."""
