import { useMutation } from "@apollo/client/react";
import { useState } from "react";
import { CreateTotpEnrollmentDocument, type CreateTotpEnrollmentMutation } from "./__generated__/graphql";
import { useChange } from "./change";
import type { Failure } from "./errors";

/** An authenticator app that is being set up. */
export type Enrollment = NonNullable<CreateTotpEnrollmentMutation["createTotpEnrollment"]["enrollment"]>;

/** Begins for the account that is signed in, or for the challenge with this token. */
export function useEnrollment(challengeToken?: string) {
  const change = useChange();
  const [create] = useMutation(CreateTotpEnrollmentDocument, { fetchPolicy: "no-cache" });
  const [enrollment, setEnrollment] = useState<Enrollment | null>(null);

  async function begin(): Promise<Failure[] | null> {
    const variables = challengeToken ? { input: { challengeToken } } : {};
    const payload = await change(async () => (await create({ variables })).data!.createTotpEnrollment);
    if (payload?.enrollment) setEnrollment(payload.enrollment);
    return payload && payload.errors;
  }
  return { enrollment, begin, drop: () => setEnrollment(null) };
}
