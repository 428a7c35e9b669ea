import "./workers";
import "graphiql/style.css";
import "./graphiql.css";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { cookieTransport, createSession } from "../session";
import { SessionContext } from "../use-session";
import { EXAMPLES } from "./examples";
import { createFetcher, ENDPOINT } from "./fetcher";
import { EXAMPLES_PANEL, SIGN_IN_PANEL } from "./panels";

const root = document.getElementById("graphiql")!;
// Shared with the front end: a user who is signed in there is signed in here.
const session = createSession(cookieTransport(ENDPOINT));

createRoot(root).render(
  <SessionContext value={session}>
    <GraphiQL
      fetcher={createFetcher(session)}
      plugins={[SIGN_IN_PANEL, EXAMPLES_PANEL]}
      visiblePlugin={SIGN_IN_PANEL}
      defaultTabs={[{ query: EXAMPLES[0]!.query }]}
      defaultEditorToolsVisibility={false}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      // Not localStorage, the default: operations contain passwords, so they end with the tab.
      storage={sessionStorage}
    />
  </SessionContext>,
);
