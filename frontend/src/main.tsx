import { ApolloProvider } from "@apollo/client/react";
import { StrictMode, useMemo } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "./apollo";
import { App } from "./app";
import { BASE } from "./base";
import { preload } from "./lazily";
import { cookieTransport, createSession } from "./session";
import { SessionContext, usePerson } from "./use-session";
import "./styles.css";

const ENDPOINT = `${BASE}/graphql`;
const session = createSession(cookieTransport(ENDPOINT));

function Root() {
  const person = usePerson();
  // A cache belongs to one user. Late responses for the previous user go into the old cache.
  const client = useMemo(() => createClient(session, ENDPOINT), [person]);
  return (
    <ApolloProvider client={client}>
      <App />
    </ApolloProvider>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SessionContext value={session}>
      <Root />
    </SessionContext>
  </StrictMode>,
);

// At the first sign of a person, not before: the first view comes first.
for (const event of ["pointermove", "pointerdown", "keydown"]) window.addEventListener(event, preload, { once: true });
