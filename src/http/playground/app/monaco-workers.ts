import type { Environment } from "monaco-editor";
import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";
import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import GraphQLWorker from "monaco-graphql/esm/graphql.worker.js?worker";

/**
 * Tells Monaco to start its workers from our own files. GraphiQL ships the same setup, but logs every start to
 * the console.
 */
export function registerMonacoWorkers(): void {
  const environment: Environment = {
    getWorker(_id, label) {
      switch (label) {
        case "json":
          return new JsonWorker();
        case "graphql":
          return new GraphQLWorker();
        default:
          return new EditorWorker();
      }
    },
  };
  window.MonacoEnvironment = environment;
}
