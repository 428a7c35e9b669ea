"""Names and types that were agreed before they were built: they never have to change."""

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
Account.pendingEmail: String
AnswerEmailVerificationChallengeInput.challengeToken: String!
AnswerEmailVerificationChallengeInput.code: String!
AuthConfig.registrationOpen: Boolean!
AuthConfig.emailVerification: EmailVerificationPolicy!
CancelAccountDeletionInput.token: String!
CancelAccountDeletionPayload.errors: [AuthError!]!
CancelEmailChangePayload.errors: [AuthError!]!
CancelEmailChangePayload.account: Account
ConfirmEmailChangeInput.token: String
ConfirmEmailChangeInput.code: String
ConfirmEmailChangePayload.errors: [AuthError!]!
ConfirmEmailChangePayload.account: Account
DisownRegistrationPayload.errors: [AuthError!]!
EmailVerificationChallenge.token: String!
EmailVerificationChallenge.expiresIn: Int!
EmailVerificationChallenge.email: String!
LoginCodeCredentialInput.code: MailedCodeInput
LoginCodeCredentialInput.linkToken: String
MailedCode.token: String!
MailedCode.expiresIn: Int!
MailedCodeInput.challengeToken: String!
MailedCodeInput.code: String!
MailedTokenInput.token: String!
Mutation.requestPasswordReset(input: RequestPasswordResetInput!): RequestPasswordResetPayload!
Mutation.resetPassword(input: ResetPasswordInput!): ResetPasswordPayload!
Mutation.secureAccount(input: MailedTokenInput!): SecureAccountPayload!
Mutation.requestLoginCode(input: RequestLoginCodeInput!): RequestLoginCodePayload!
Mutation.tokenAuthWithCode(input: TokenAuthWithCodeInput!): AuthPayload!
Mutation.verifyEmail(input: VerifyEmailInput!): VerifyEmailPayload!
Mutation.resendVerification(input: ResendVerificationInput!): ResendVerificationPayload!
Mutation.answerEmailVerificationChallenge(input: AnswerEmailVerificationChallengeInput!): AuthPayload!
Mutation.requestEmailChange(input: RequestEmailChangeInput!): RequestEmailChangePayload!
Mutation.confirmEmailChange(input: ConfirmEmailChangeInput!): ConfirmEmailChangePayload!
Mutation.cancelEmailChange: CancelEmailChangePayload!
Mutation.undoEmailChange(input: MailedTokenInput!): UndoEmailChangePayload!
Mutation.requestReauthenticationCode: RequestReauthenticationCodePayload!
Mutation.cancelAccountDeletion(input: CancelAccountDeletionInput!): CancelAccountDeletionPayload!
Mutation.disownRegistration(input: MailedTokenInput!): DisownRegistrationPayload!
PasswordResetCredentialInput.code: MailedCodeInput
PasswordResetCredentialInput.linkToken: String
ReauthenticationCredentialInput.emailCode: MailedCodeInput
ReauthenticationCredentialInput.totpCode: String
ReauthenticationCredentialInput.recoveryCode: String
ReauthenticationCredentialInput.passkey: PasskeyAssertionInput
RegisterInput.locale: String
RequestEmailChangeInput.newEmail: String!
RequestEmailChangePayload.errors: [AuthError!]!
RequestEmailChangePayload.account: Account
RequestLoginCodeInput.email: String!
RequestLoginCodeInput.clientId: String
RequestLoginCodePayload.errors: [AuthError!]!
RequestLoginCodePayload.mailedCode: MailedCode
RequestPasswordResetInput.email: String!
RequestPasswordResetInput.clientId: String
RequestPasswordResetPayload.errors: [AuthError!]!
RequestPasswordResetPayload.mailedCode: MailedCode
RequestReauthenticationCodePayload.errors: [AuthError!]!
RequestReauthenticationCodePayload.mailedCode: MailedCode
ResendVerificationInput.email: String!
ResendVerificationInput.clientId: String
ResendVerificationPayload.errors: [AuthError!]!
ResetPasswordInput.credential: PasswordResetCredentialInput!
ResetPasswordInput.newPassword: String!
ResetPasswordPayload.errors: [AuthError!]!
SecureAccountPayload.errors: [AuthError!]!
TokenAuthWithCodeInput.clientId: String
TokenAuthWithCodeInput.clientSecret: String
TokenAuthWithCodeInput.scope: String
TokenAuthWithCodeInput.refreshTokenTransport: RefreshTokenTransport
TokenAuthWithCodeInput.credential: LoginCodeCredentialInput!
UndoEmailChangePayload.errors: [AuthError!]!
VerifyEmailInput.link: VerifyEmailLinkInput
VerifyEmailInput.code: String
VerifyEmailLinkInput.token: String!
VerifyEmailLinkInput.challengeToken: String
VerifyEmailLinkInput.newPassword: String
VerifyEmailPayload.errors: [AuthError!]!
VerifyEmailPayload.account: Account
Query.user(username: String!): User
Query.users(first: Int, after: String, last: Int, before: String, orderBy: UserOrderInput): UserConnection
UserOrderInput.field: UserOrderField!
UserOrderInput.direction: OrderDirection!
Mutation.answerMfaChallenge(input: AnswerMfaChallengeInput!): AuthPayload!
Mutation.answerMfaEnrollmentChallenge(input: AnswerMfaEnrollmentChallengeInput!): AuthPayload!
Mutation.createTotpEnrollment(input: CreateTotpEnrollmentInput): CreateTotpEnrollmentPayload!
Mutation.confirmTotpEnrollment(input: ConfirmTotpEnrollmentInput!): ConfirmTotpEnrollmentPayload!
Mutation.disableTotp: DisableTotpPayload!
Mutation.regenerateRecoveryCodes: RegenerateRecoveryCodesPayload!
Account.mfa: MfaStatus!
MfaStatus.enabled: Boolean!
MfaStatus.methods: [MfaMethod!]!
MfaStatus.recoveryCodesRemaining: Int!
MfaChallenge.token: String!
MfaChallenge.expiresIn: Int!
MfaChallenge.methods: [MfaMethod!]!
MfaEnrollmentChallenge.token: String!
MfaEnrollmentChallenge.expiresIn: Int!
MfaEnrollmentChallenge.methods: [MfaMethod!]!
AnswerMfaChallengeInput.challengeToken: String!
AnswerMfaChallengeInput.factor: MfaFactorInput!
AnswerMfaChallengeInput.rememberBrowser: Boolean
MfaFactorInput.totpCode: String
MfaFactorInput.recoveryCode: String
MfaFactorInput.passkey: PasskeyAssertionInput
AnswerMfaEnrollmentChallengeInput.challengeToken: String!
CreateTotpEnrollmentInput.challengeToken: String
CreateTotpEnrollmentPayload.enrollment: TotpEnrollment
CreateTotpEnrollmentPayload.errors: [AuthError!]!
TotpEnrollment.token: String!
TotpEnrollment.expiresIn: Int!
TotpEnrollment.secret: String!
TotpEnrollment.uri: String!
ConfirmTotpEnrollmentInput.challengeToken: String!
ConfirmTotpEnrollmentInput.code: String!
ConfirmTotpEnrollmentPayload.recoveryCodes: [String!]!
ConfirmTotpEnrollmentPayload.account: Account
ConfirmTotpEnrollmentPayload.errors: [AuthError!]!
DisableTotpPayload.account: Account
DisableTotpPayload.errors: [AuthError!]!
RegenerateRecoveryCodesPayload.recoveryCodes: [String!]!
RegenerateRecoveryCodesPayload.account: Account
RegenerateRecoveryCodesPayload.errors: [AuthError!]!
Account.isStaff: Boolean!
Account.groups: [String!]!
Account.permissions: [String!]!
Mutation.createPasskeyRegistration(input: CreatePasskeyRegistrationInput): CreatePasskeyRegistrationPayload!
Mutation.addPasskey(input: AddPasskeyInput!): AddPasskeyPayload!
Mutation.renamePasskey(input: RenamePasskeyInput!): RenamePasskeyPayload!
Mutation.removePasskey(input: RemovePasskeyInput!): RemovePasskeyPayload!
Mutation.createPasskeyAssertion(input: CreatePasskeyAssertionInput): CreatePasskeyAssertionPayload!
Mutation.tokenAuthWithPasskey(input: TokenAuthWithPasskeyInput!): AuthPayload!
Account.passkeys: [Passkey!]!
Account.passkeyUser: PasskeyUser!
PasskeyUser.rpId: String!
PasskeyUser.userHandle: String!
Passkey.id: ID!
Passkey.credentialId: String!
Passkey.name: String!
Passkey.isSynced: Boolean!
Passkey.canSignIn: Boolean!
Passkey.createdAt: DateTime!
Passkey.lastUsedAt: DateTime
PasskeyCeremony.token: String!
PasskeyCeremony.expiresIn: Int!
PasskeyCeremony.options: JSON!
CreatePasskeyRegistrationInput.automatic: Boolean
CreatePasskeyRegistrationInput.challengeToken: String
CreatePasskeyRegistrationPayload.ceremony: PasskeyCeremony
CreatePasskeyRegistrationPayload.errors: [AuthError!]!
AddPasskeyInput.challengeToken: String!
AddPasskeyInput.response: JSON!
AddPasskeyInput.name: String
AddPasskeyPayload.passkey: Passkey
AddPasskeyPayload.account: Account
AddPasskeyPayload.recoveryCodes: [String!]!
AddPasskeyPayload.errors: [AuthError!]!
RenamePasskeyInput.id: ID!
RenamePasskeyInput.name: String!
RenamePasskeyPayload.passkey: Passkey
RenamePasskeyPayload.errors: [AuthError!]!
RemovePasskeyInput.id: ID!
RemovePasskeyPayload.deletedPasskeyId: ID
RemovePasskeyPayload.account: Account
RemovePasskeyPayload.errors: [AuthError!]!
CreatePasskeyAssertionInput.purpose: PasskeyPurpose
CreatePasskeyAssertionInput.challengeToken: String
CreatePasskeyAssertionPayload.ceremony: PasskeyCeremony
CreatePasskeyAssertionPayload.errors: [AuthError!]!
TokenAuthWithPasskeyInput.passkey: PasskeyAssertionInput!
TokenAuthWithPasskeyInput.clientId: String
TokenAuthWithPasskeyInput.clientSecret: String
TokenAuthWithPasskeyInput.scope: String
TokenAuthWithPasskeyInput.refreshTokenTransport: RefreshTokenTransport
PasskeyAssertionInput.challengeToken: String!
PasskeyAssertionInput.response: JSON!
"""
"""A field a line, with its arguments and its type."""

VALUES = {
    "AuthErrorCode": {
        "RATE_LIMITED",
        "REAUTHENTICATION_REQUIRED",
        "NOT_FOUND",
        "USERNAME_TAKEN",
        "EMAIL_VERIFICATION_REQUIRED",
        "EXPIRED_CODE",
        "INVALID_CODE",
        "PASSWORD_TOO_WEAK",
        "REGISTRATION_CLOSED",
        "MFA_REQUIRED",
        "MFA_ENROLLMENT_REQUIRED",
        "MFA_NOT_ENABLED",
        "ALREADY_ENABLED",
        "PASSKEY_REJECTED",
    },
    "MfaMethod": {"TOTP", "RECOVERY_CODE", "PASSKEY"},
    "AuthenticationMethod": {"PASSWORD", "SOCIAL", "EMAIL_CODE", "TOTP", "RECOVERY_CODE", "PASSKEY"},
    "ReauthenticationMethod": {"PASSWORD", "SOCIAL", "EMAIL_CODE", "TOTP", "PASSKEY"},
    "SignInMethod": {"PASSWORD", "SOCIAL", "EMAIL_CODE", "PASSKEY"},
    "PasskeyPurpose": {"SIGN_IN", "SECOND_FACTOR", "REAUTHENTICATION"},
    "EmailVerificationPolicy": {"NONE", "OPTIONAL", "MANDATORY"},
    "UserOrderField": {"DATE_JOINED", "USERNAME"},
    "OrderDirection": {"ASC", "DESC"},
}
"""Values of enums."""
