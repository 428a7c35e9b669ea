/** For component tests: a page with a stubbed service. */
import { ApolloClient, ApolloLink, InMemoryCache } from "@apollo/client";
import { ApolloProvider } from "@apollo/client/react";
import { act, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { of } from "rxjs";
import { onTestFinished, vi } from "vitest";
import type { Session } from "./session";

export interface Sent {
  name: string;
  variables: Record<string, unknown>;
  headers: Record<string, string> | undefined;
}

/** Renders the page. Each operation returns the data under its name, or in turn those of a list. */
export async function render(children: ReactNode, answers: Record<string, object | object[]> = {}): Promise<Sent[]> {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const sent: Sent[] = [];
  const link = new ApolloLink((operation) => {
    const { operationName: name = "", variables } = operation;
    sent.push({ name, variables, headers: operation.getContext().headers });
    const data = answers[name] ?? {};
    return of({ data: Array.isArray(data) ? data.shift() : data });
  });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  onTestFinished(async () => {
    await act(() => root.unmount());
    document.body.replaceChildren();
  });
  await act(async () => root.render(<ApolloProvider client={client}>{children}</ApolloProvider>));
  return sent;
}

/** A session of nobody, or of this person. */
export const sessionOf = (person: string | null = null) =>
  ({
    isActive: () => person !== null,
    person: () => person,
    current: () => person && "token",
    renew: vi.fn(async () => null),
    end: vi.fn(async () => {}),
    subscribe: () => () => {},
  }) as unknown as Session;
/** What the service offers, as the operation `AuthConfig` returns it. */
export const offers = (change: object = {}) => ({
  authConfig: {
    __typename: "AuthConfig",
    registrationOpen: true,
    emailVerification: "OPTIONAL",
    signInMethods: ["PASSWORD"],
    rememberBrowserDays: null,
    passwordPolicy: { __typename: "PasswordPolicy", minLength: 15, minStrength: null },
    socialProviders: [],
    ...change,
  },
});
/** A payload's error. */
export const failure = (code: string, message = code, field: string[] | null = null) => ({
  __typename: "AuthError",
  code,
  message,
  field,
  retryAfter: null,
});
export const heading = () => document.querySelector("h1")!.textContent;
/** The page's links: where they lead, by their text. */
export const links = () =>
  Object.fromEntries([...document.querySelectorAll("a")].map((a) => [a.textContent, a.getAttribute("href")]));
export const alert = () =>
  [...document.querySelectorAll("[role=alert]")].map((element) => element.textContent).join("");
export const press = (label: string) =>
  act(async () =>
    [...document.querySelectorAll("button")].find((button) => button.textContent === label)!.click(),
  );
export const status = () =>
  [...document.querySelectorAll("[role=status]")].map((element) => element.textContent).join("");
/** Waits for a part of the page that loads. */
export async function appears(selector: string): Promise<void> {
  for (let time = 0; time < 200 && !document.querySelector(selector); time++)
    await act(() => new Promise<void>((resolve) => setTimeout(resolve, 10)));
  if (!document.querySelector(selector)) throw new Error(`${selector} has not appeared.`);
}
/** Types into the field of this name. */
export const type = (name: string, value: string) =>
  void (document.querySelector<HTMLInputElement>(`[name="${name}"]`)!.value = value);
