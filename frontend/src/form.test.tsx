import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SignedInFragment } from "./__generated__/graphql";
import { SettleContext } from "./challenges";
import { Field, SignInForm } from "./form";

const settle = vi.fn(async ({ tokens }: SignedInFragment) => tokens !== null);
let submit: ReturnType<typeof vi.fn<(values: Record<string, string>) => Promise<SignedInFragment>>>;
let root: ReturnType<typeof createRoot>;

beforeEach(async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  submit = vi.fn();
  const container = document.body.appendChild(document.createElement("div"));
  root = createRoot(container);
  await act(() =>
    root.render(
      <SettleContext value={settle}>
        <SignInForm label="Go" fields={["email"]} submit={submit}>
          <Field name="email" label="E-mail" hint="Yours." defaultValue="ada" required />
        </SignInForm>
      </SettleContext>,
    ),
  );
});
afterEach(async () => {
  await act(() => root.unmount());
  document.body.replaceChildren();
  settle.mockClear();
});

const answer = (
  errors: [code: "INVALID_INPUT" | "INVALID_CLIENT", field: string[] | null, message: string][],
): SignedInFragment => ({
  __typename: "AuthPayload",
  isNewAccount: false,
  tokens: null,
  account: null,
  challenge: null,
  errors: errors.map(([code, field, message]) => ({
    __typename: "AuthError",
    code,
    field,
    message,
    retryAfter: null,
  })),
});
const send = () => act(async () => document.querySelector("form")!.requestSubmit());
const alert = () => document.querySelector("[role=alert]")!.textContent;
const input = () => document.querySelector("input")!;

test("tokens settle it", async () => {
  const tokens = { __typename: "TokenSet" as const, accessToken: "token", expiresIn: 900 };
  submit.mockResolvedValue({ ...answer([]), tokens });
  await send();
  expect(submit).toHaveBeenCalledWith({ email: "ada" });
  expect(settle).toHaveBeenCalledWith({ ...answer([]), tokens }, null);
  expect(alert()).toBe("");
});

test("a field's error shows at the field, describes it, and focuses it", async () => {
  submit.mockResolvedValue(answer([["INVALID_INPUT", ["email"], "No e-mail address."]]));
  await send();
  const described = input().getAttribute("aria-describedby")!.split(" ");
  expect(described.map((id) => document.getElementById(id)!.textContent)).toEqual([
    "Yours.",
    "No e-mail address.",
  ]);
  expect(input().getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(input());
  expect(alert()).toBe("Please correct one field.");
});

test("a field with two errors counts once", async () => {
  submit.mockResolvedValue(
    answer([
      ["INVALID_INPUT", ["email"], "No e-mail address."],
      ["INVALID_INPUT", ["email"], "Too long."],
    ]),
  );
  await send();
  expect(alert()).toBe("Please correct one field.");
});

test("an empty required field is reported before the request", async () => {
  input().value = "";
  await send();
  expect(submit).not.toHaveBeenCalled();
  expect(alert()).toBe("Please correct one field.");
  expect(input().getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(input());
  input().value = "ada@example.com";
  submit.mockResolvedValue(answer([]));
  await send();
  expect(submit).toHaveBeenCalledWith({ email: "ada@example.com" });
});

test("an error of the form or of a hidden field shows above the fields", async () => {
  submit.mockResolvedValue(
    answer([
      ["INVALID_CLIENT", null, "No such client."],
      ["INVALID_INPUT", ["scope"], "No such scope."],
    ]),
  );
  await send();
  expect(alert()).toBe("No such client. No such scope.");
  expect(input().getAttribute("aria-invalid")).toBe("false");
});

test("an unreachable service is reported, and the input stays", async () => {
  submit.mockRejectedValue(new TypeError("Failed to fetch"));
  await send();
  expect(alert()).toMatch("cannot be reached");
  expect(input().value).toBe("ada");
  expect(settle).not.toHaveBeenCalled();
});

test("the message of a session that could not be refreshed shows", async () => {
  submit.mockRejectedValue(new Error("Too many attempts."));
  await send();
  expect(alert()).toBe("Too many attempts.");
});
