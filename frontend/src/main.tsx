import { ApolloProvider } from "@apollo/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "./apollo";
import { App } from "./app";
import { cookieTransport, createSession } from "./session";
import { SessionContext } from "./use-session";
import "./styles.css";

const session = createSession(cookieTransport("/graphql"));
const client = createClient(session);
session.subscribe(() => {
  // Nobody shall see what the one before them has read.
  if (!session.isActive()) client.clearStore().catch(() => {});
});

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ApolloProvider client={client}>
      <SessionContext value={session}>
        <App />
      </SessionContext>
    </ApolloProvider>
  </StrictMode>,
);
