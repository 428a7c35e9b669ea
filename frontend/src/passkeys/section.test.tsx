import { act, useState } from "react";
import { expect, onTestFinished, test, vi } from "vitest";
import type { PasskeysFragment, ProofFragment, TwoStepFragment } from "../__generated__/graphql";
import { Reauthentication } from "../reauthentication";
import { alert, failure, press, render, status, type } from "../testing";
import { browser, ceremony, passkey, refuse } from "./browser";
import { notePassword, takePassword } from "./password-use";
import Passkeys from "./section";

const PHONE: PasskeysFragment["passkeys"][number] = {
  __typename: "Passkey",
  id: "1",
  credentialId: "phone",
  name: "Phone",
  isSynced: true,
  canSignIn: true,
  createdAt: "2026-11-01T10:00:00Z",
  lastUsedAt: "2026-11-23T10:00:00Z",
};
const KEY = { ...PHONE, id: "2", credentialId: "key", name: "Key", isSynced: false, canSignIn: false, lastUsedAt: null };
const ADA: PasskeysFragment & ProofFragment & TwoStepFragment = {
  __typename: "Account",
  id: "ada",
  email: "ada@example.com",
  hasPassword: true,
  reauthenticationMethods: ["PASSWORD"],
  socialAccounts: [],
  emailVerified: true,
  mfa: { __typename: "MfaStatus", enabled: false, methods: [], recoveryCodesRemaining: 0 },
  passkeyUser: { __typename: "PasskeyUser", rpId: "example.com", userHandle: "handle" },
  passkeys: [PHONE, KEY],
};
const payload = (name: string, rest: object, ...errors: object[]) => ({
  [name]: { __typename: "Payload", ...rest, errors },
});
const added = (recoveryCodes: string[] = [], passkey = PHONE) =>
  payload("addPasskey", { passkey, account: ADA, recoveryCodes });
const registration = (challenge: string) => ceremony("createPasskeyRegistration", challenge);
const accepted = (...ids: string[]) => [
  "accepted",
  { rpId: "example.com", userId: "handle", allAcceptedCredentialIds: ids },
];
const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 10)));

async function draw(answers: Record<string, object | object[]> = {}, account = ADA) {
  const sent = await render(
    <Reauthentication account={account} providers={[]} refresh={async () => {}}>
      <Passkeys account={account} />
    </Reauthentication>,
    answers,
  );
  await settled();
  return sent;
}
const rows = () => [...document.querySelectorAll("li")].map((row) => row.textContent);

test("each passkey shows what it is, and the browser is told which there are", async () => {
  const { told } = browser();
  await draw();
  expect(rows()).toEqual([
    expect.stringMatching(/^PhoneSynced to your devicesAdded .*2026, last used .*2026/),
    expect.stringMatching(/^KeyOn one device · second step onlyAdded .*2026Rename/),
  ]);
  expect(told).toEqual([accepted("phone", "key")]);
});

test("a passkey is added, and recovery codes that come with it are shown", async () => {
  const { told } = browser({ create: passkey("new") });
  const sent = await draw({ BeginAddingPasskey: registration("one"), AddPasskey: added(["a", "b"]) });
  await press("Add a passkey");
  await settled();
  expect(sent).toMatchObject([
    { name: "BeginAddingPasskey", variables: { input: {} } },
    {
      name: "AddPasskey",
      variables: { input: { challengeToken: "token of one", response: { id: "new", answers: "one" } } },
    },
  ]);
  expect(status()).toContain("Phone is added. You can sign in with it from now on.");
  expect([...document.querySelectorAll("code")].map(({ textContent }) => textContent)).toEqual(["a", "b"]);
  expect(told.at(-1)).toEqual(accepted("phone", "key"));
  await press("I have saved them");
  expect(document.querySelector("code")).toBeNull();
});

test("a passkey that cannot sign in by itself is said to be a second step", async () => {
  browser({ create: passkey("new") });
  await draw({ BeginAddingPasskey: registration("one"), AddPasskey: added([], KEY) });
  await press("Add a passkey");
  await settled();
  expect(status()).toContain("Key is added. You can use it as second step from now on.");
  expect(document.querySelector("code")).toBeNull();
});

test("a passkey is made only after the user has confirmed who they are", async () => {
  const { asked } = browser({ create: passkey("new") });
  const sent = await draw({
    BeginAddingPasskey: [
      payload("createPasskeyRegistration", { ceremony: null }, failure("REAUTHENTICATION_REQUIRED")),
      registration("one"),
    ],
    Reauthenticate: payload("reauthenticate", { expiresIn: 600 }),
    AddPasskey: added(),
  });
  await press("Add a passkey");
  expect(asked).toEqual([]);
  type("password", "the password");
  await press("Confirm");
  await settled();
  await settled();
  expect(asked).toEqual(["create"]);
  expect(sent.map(({ name }) => name)).toEqual([
    "BeginAddingPasskey",
    "Reauthenticate",
    "BeginAddingPasskey",
    "AddPasskey",
  ]);
});

test("a passkey that this device has already is not added", async () => {
  browser({ create: refuse("InvalidStateError") });
  const sent = await draw({ BeginAddingPasskey: registration("one") });
  await press("Add a passkey");
  await settled();
  expect(alert()).toContain("has a passkey for your account already");
  expect(sent).toHaveLength(1);
});

test("a new name is saved, and the focus stays near", async () => {
  browser();
  const sent = await draw({
    RenamePasskey: [
      payload("renamePasskey", { passkey: null }, failure("TOO_LONG", "Too long.", ["name"])),
      payload("renamePasskey", { passkey: { ...PHONE, name: "My phone" } }),
    ],
  });
  await press("Rename Phone");
  expect(document.activeElement).toBe(document.querySelector("[name=name]"));
  type("name", "x".repeat(65));
  await press("Save name");
  expect(document.querySelector(".error")!.textContent).toBe("Too long.");
  type("name", "My phone");
  await press("Save name");
  expect(sent.at(-1)!.variables.input).toEqual({ id: "1", name: "My phone" });
  expect(status()).toContain("The passkey has a new name.");
  expect(document.querySelector("[name=name]")).toBeNull();
  expect(document.activeElement!.textContent).toBe("Passkeys");
});

test("the new name of a passkey that is gone is refused, and the reason stays when the list is read again", async () => {
  browser();
  let without: () => void = () => {};
  function Account() {
    const [account, setAccount] = useState(ADA);
    without = () => setAccount({ ...ADA, passkeys: [KEY] });
    return (
      <Reauthentication account={account} providers={[]} refresh={async () => without()}>
        <Passkeys account={account} />
      </Reauthentication>
    );
  }
  await render(<Account />, {
    RenamePasskey: payload("renamePasskey", { passkey: null }, failure("NOT_FOUND", "Not found.", ["id"])),
  });
  await settled();
  await press("Rename Phone");
  type("name", "My phone");
  await press("Save name");
  await settled();
  expect(rows()).toHaveLength(1);
  expect(alert()).toBe("This passkey has been removed in another browser.");
  expect(document.activeElement!.textContent).toBe("Passkeys");
});

test("a passkey is removed, the browser is told, and the last way to sign in stays", async () => {
  const { told } = browser();
  const gone = { ...ADA, passkeys: [KEY] };
  const sent = await draw({
    RemovePasskey: [
      payload("removePasskey", { account: null }, failure("LAST_SIGN_IN_METHOD", "The only way left.")),
      payload("removePasskey", { account: gone }),
    ],
  });
  await press("Remove Phone");
  expect(alert()).toBe("The only way left.");
  expect(told).toHaveLength(1);
  await press("Remove Phone");
  expect(sent.at(-1)!.variables.input).toEqual({ id: "1" });
  expect(status()).toContain("Phone is removed.");
  expect(document.activeElement!.textContent).toBe("Passkeys");
});

const CAN = { capabilities: { conditionalCreate: true } };

test("after a sign-in with a password, a browser that can makes a passkey without asking", async () => {
  const { asked, told } = browser({ ...CAN, createSilently: passkey("new") });
  notePassword();
  const sent = await draw({ BeginAddingPasskey: registration("one"), AddPasskey: added() });
  expect(asked).toEqual(["create silently"]);
  expect(sent[0]!.variables.input).toEqual({ automatic: true });
  expect(sent[1]!.variables.input).toMatchObject({ response: { id: "new" } });
  expect(status()).toContain("Phone is added.");
  // Not before the service knew the new one.
  expect(told.at(-1)).toEqual(accepted("phone", "key"));
  expect(takePassword()).toBe(false);
});

test.each([
  ["the browser does not agree", { ...CAN, createSilently: refuse("NotAllowedError") }, {}],
  [
    "the service refuses",
    CAN,
    { BeginAddingPasskey: payload("createPasskeyRegistration", { ceremony: null }, failure("EMAIL_VERIFICATION_REQUIRED")) },
  ],
  ["the network fails", CAN, { BeginAddingPasskey: {} }],
])("nothing is said if %s", async (_what, how, answers) => {
  browser(how);
  notePassword();
  const sent = await draw({ BeginAddingPasskey: registration("one"), ...answers });
  expect(sent).toHaveLength(1);
  expect([alert(), status()]).toEqual(["", ""]);
});

test.each([
  ["the browser cannot", {}, true],
  ["another way was used to sign in", CAN, false],
])("no passkey is made without asking if %s", async (_what, how, byPassword) => {
  const { asked } = browser(how);
  takePassword();
  if (byPassword) notePassword();
  const sent = await draw({ BeginAddingPasskey: registration("one") });
  expect([asked, sent]).toEqual([[], []]);
  takePassword();
});

test("a browser without passkeys lists them, and says that it cannot make any", async () => {
  vi.stubGlobal("PublicKeyCredential", undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  await draw();
  expect(rows()).toHaveLength(2);
  expect(document.body.textContent).toContain("This browser cannot use passkeys here.");
});
