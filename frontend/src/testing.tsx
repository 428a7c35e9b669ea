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

/** Renders the page. Each operation returns the data under its name. */
export async function render(children: ReactNode, answers: Record<string, object> = {}): Promise<Sent[]> {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const sent: Sent[] = [];
  const link = new ApolloLink((operation) => {
    const { operationName: name = "", variables } = operation;
    sent.push({ name, variables, headers: operation.getContext().headers });
    return of({ data: answers[name] ?? {} });
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
