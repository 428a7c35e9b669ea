/** Passkeys together with the service: its options go to the browser, and the browser's answer back to it. */
import { useMutation } from "@apollo/client/react";
import {
  AddPasskeyDocument,
  BeginAddingPasskeyDocument,
  BeginPasskeyDocument,
  type AddPasskeyMutation,
  type CeremonyFragment,
  type CreatePasskeyAssertionInput,
  type CreatePasskeyRegistrationInput,
  type PasskeyAssertionInput,
} from "../__generated__/graphql";
import { Refused, type Failure } from "../errors";
import { answer, forget, make, tellAccepted } from "./webauthn";

/** Sends what a passkey answered. Resolves to the failures: none, or null if the page goes on by itself. */
export type SendAnswer = (passkey: PasskeyAssertionInput) => Promise<Failure[] | null>;

interface Begun {
  ceremony: CeremonyFragment | null;
  errors: Failure[];
}
function begun({ ceremony, errors }: Begun): CeremonyFragment {
  if (!ceremony) throw new Refused(errors);
  return ceremony;
}

/** Asks for a passkey and sends its answer. Null if something else was asked meanwhile. Throws Refused.
 *  With `suggesting`, it only suggests passkeys at the page's field, unless this signal has ended it before. */
export function useAnswer() {
  const [begin] = useMutation(BeginPasskeyDocument, { fetchPolicy: "no-cache" });

  return async (
    input: CreatePasskeyAssertionInput,
    send: SendAnswer,
    suggesting?: AbortSignal,
  ): Promise<Failure[] | null> => {
    const ceremony = begun((await begin({ variables: { input } })).data!.createPasskeyAssertion);
    const passkey = suggesting?.aborted ? null : await answer(ceremony, suggesting ? "conditional" : "optional");
    if (!passkey) return null;
    const errors = await send(passkey);
    if (errors?.some(isUnknown)) forget(ceremony, passkey);
    return errors;
  };
}

/** Of all reasons to reject a passkey, this one alone means that it works nowhere here any more. */
const isUnknown = ({ code, field }: Failure) => code === "PASSKEY_REJECTED" && field?.at(-1) === "id";

export type Added = AddPasskeyMutation["addPasskey"];
/** Sends a request, perhaps twice: the second time when the user has shown again who they are. */
export type Sending = <T extends { errors: Failure[] }>(send: () => Promise<T>) => Promise<T | null>;
const once: Sending = (send) => send();

let making = 0;

/** Makes a passkey and adds it to the account. Null if it was not to be. Throws Refused. */
export function useAddition(sending: Sending = once) {
  const [begin] = useMutation(BeginAddingPasskeyDocument, { fetchPolicy: "no-cache" });
  const [add] = useMutation(AddPasskeyDocument);

  return async (input: CreatePasskeyRegistrationInput = {}): Promise<Added | null> => {
    const payload = await sending(async () => (await begin({ variables: { input } })).data!.createPasskeyRegistration);
    if (!payload) return null;
    const ceremony = begun(payload);
    making += 1;
    try {
      const passkey = await make(ceremony, input.automatic ? "conditional" : "optional");
      return passkey && (await sending(async () => (await add({ variables: { input: passkey } })).data!.addPasskey));
    } finally {
      making -= 1;
    }
  };
}

/** Tells password managers which passkeys there are; not while one is made that the service does not know yet. */
export function tell(account: Parameters<typeof tellAccepted>[0]): void {
  if (making === 0) tellAccepted(account);
}
