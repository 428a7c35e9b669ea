/** Does what graphiql/setup-workers/vite does, without its console messages. */
import type { Environment } from "monaco-editor";
import GraphQLWorker from "monaco-graphql/esm/graphql.worker.js?worker";
import JSONWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";

(globalThis as { MonacoEnvironment?: Environment }).MonacoEnvironment = {
  getWorker(_id, label) {
    if (label === "graphql") return new GraphQLWorker();
    if (label === "json") return new JSONWorker();
    return new EditorWorker();
  },
};
