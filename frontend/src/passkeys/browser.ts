/** For tests: a browser with WebAuthn that answers as it is told. */
import { onTestFinished, vi } from "vitest";

type Question = { mediation?: string; signal: AbortSignal; publicKey: { challenge: string } };
type Answer = (question: Question) => Promise<object | null>;

/** Never answers, until it is ended. */
export const silence: Answer = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
/** Refuses with an exception of this name. */
export const refuse =
  (name: string): Answer =>
  () =>
    Promise.reject(new DOMException("No.", name));
/** A passkey with this id. */
export const passkey =
  (id: string): Answer =>
  async ({ publicKey }) => ({ toJSON: () => ({ id, answers: publicKey.challenge }) });

/** Answers of `navigator.credentials`: by the button, and at the field. What it was asked and told is returned. */
export function browser({
  get = silence,
  suggest = silence,
  create = silence,
  createSilently = silence,
  capabilities = {},
}: {
  get?: Answer;
  suggest?: Answer;
  create?: Answer;
  createSilently?: Answer;
  capabilities?: Record<string, boolean>;
} = {}) {
  const asked: string[] = [];
  const told: [name: string, options: object][] = [];
  const ask = (what: string, usual: Answer, conditional: Answer) => (question: Question) => {
    asked.push(question.mediation === "conditional" ? `${what} silently` : what);
    return (question.mediation === "conditional" ? conditional : usual)(question);
  };
  const tell = (name: string) => async (options: object) => void told.push([name, options]);
  vi.stubGlobal(
    "PublicKeyCredential",
    class {
      static parseRequestOptionsFromJSON = (options: object) => options;
      static parseCreationOptionsFromJSON = (options: object) => options;
      static isConditionalMediationAvailable = async () => true;
      static getClientCapabilities = async () => capabilities;
      static signalUnknownCredential = tell("unknown");
      static signalAllAcceptedCredentials = tell("accepted");
    },
  );
  vi.stubGlobal("navigator", {
    ...navigator,
    credentials: { get: ask("get", get, suggest), create: ask("create", create, createSilently) },
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  return { asked, told };
}

/** The service's options, as the operations return them. */
export const ceremony = (field: string, challenge: string, options: object = {}) => ({
  [field]: {
    __typename: "Payload",
    ceremony: {
      __typename: "PasskeyCeremony",
      token: `token of ${challenge}`,
      expiresIn: 300,
      options: { challenge, rpId: "example.com", ...options },
    },
    errors: [],
  },
});
