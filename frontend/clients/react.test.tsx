/** docs/clients.md's hook, provider, route guard and form, over a real server. */
import { gql } from "@apollo/client";
import { useQuery } from "@apollo/client/react";
import { Window } from "happy-dom";
import type { Root } from "react-dom/client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";
import { becomePage } from "./browser";

const ME = gql`
  query Me {
    me {
      email
    }
  }
`;
let service: Service;
let root: Root;

function Account() {
  const { data } = useQuery<{ me: { email: string } | null }>(ME);
  return <h1>{data?.me?.email}</h1>;
}
const field = (name: string) => document.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
const told = (name: string) => document.getElementById(field(name).getAttribute("aria-describedby")!)!.textContent;
const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });
const shows = (email: string) => soon(() => expect(document.querySelector("h1")?.textContent).toBe(email));
function send(values: Record<string, string>) {
  for (const [name, value] of Object.entries(values)) field(name).value = value;
  document.querySelector("form")!.requestSubmit();
}

beforeAll(async () => {
  // Not the whole of happy-dom: its fetch loses the body of a response that was cloned.
  const window = new Window();
  vi.stubGlobal("window", window);
  for (const name of ["document", "navigator", "FormData"] as const) vi.stubGlobal(name, window[name]);
  const { createRoot } = await import("react-dom/client");
  service = await startService();
  await service.register("ada");
  becomePage(service.url);
  const [{ ClientProvider, SignedIn }, { RegisterForm }] = await Promise.all([
    import("./__generated__/react-session"),
    import("./__generated__/register-form"),
  ]);
  root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(
    <ClientProvider>
      <SignedIn otherwise={<RegisterForm />}>
        <Account />
      </SignedIn>
    </ClientProvider>,
  );
  await soon(() => expect(field("email")).not.toBeNull());
});
afterAll(async () => {
  root?.unmount();
  await service?.stop();
});

test("each error shows at its field; then the new user sees their account", async () => {
  send({ firstName: "Bea", username: "ada", email: "bea@example.com", password: "short" });
  await soon(() => expect(told("username")).toMatch(/\w{3}/));
  expect(told("password")).toMatch(/\w{3}/);
  expect([told("firstName"), told("email")]).toEqual(["", ""]);
  const invalid = [...document.querySelectorAll("[aria-invalid=true]")].map((input) => input.getAttribute("name"));
  expect(invalid).toEqual(["username", "password"]);
  send({ username: "bea", password: PASSWORD });
  await shows("bea@example.com");
});

test("another user sees their own account, and nothing after signing out", async () => {
  const [{ signIn }, { session }] = await Promise.all([
    import("./__generated__/fetch"),
    import("./__generated__/auth"),
  ]);
  expect(await signIn("ada@example.com", PASSWORD)).toEqual([]);
  await shows("ada@example.com");
  await session.end();
  await soon(() => expect(document.querySelector("h1")).toBeNull());
  expect(field("email").value).toBe("");
});
