/** For component tests: a page with a stubbed service. */
import { ApolloClient, ApolloLink, InMemoryCache } from "@apollo/client";
import { ApolloProvider } from "@apollo/client/react";
import { act, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { of } from "rxjs";
import { onTestFinished, vi } from "vitest";

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

export const alert = () =>
  [...document.querySelectorAll("[role=alert]")].map((element) => element.textContent).join("");
export const press = (label: string) =>
  act(async () =>
    [...document.querySelectorAll("button")].find((button) => button.textContent === label)!.click(),
  );
export const status = () =>
  [...document.querySelectorAll("[role=status]")].map((element) => element.textContent).join("");
/** Types into the field of this name. */
export const type = (name: string, value: string) =>
  void (document.querySelector<HTMLInputElement>(`[name="${name}"]`)!.value = value);
