import "@fontsource/fira-code/latin-400.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";
import "./narrow-window.css";
import type { Environment } from "monaco-editor";
import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";
import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import GraphQLWorker from "monaco-graphql/esm/graphql.worker.js?worker";
import { createRoot } from "react-dom/client";
import type { PlaygroundBootData } from "../../boot-data.ts";
import { Playground } from "./playground.tsx";

/** The data block that the server wrote into the page. */
const boot: PlaygroundBootData = JSON.parse(document.getElementById("boot")?.textContent ?? "");
stampStyleElements(boot.styleNonce);
registerMonacoWorkers();
const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<Playground boot={boot} />);

/**
 * Makes Monaco start its workers from the gateway's files. GraphiQL has the same setup, but logs every start to the
 * console.
 */
function registerMonacoWorkers(): void {
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

/**
 * Gives the page's nonce to every `<style>` element that a script creates, because the content security policy drops
 * others. Monaco and the dialogs create `<style>` elements without a nonce.
 */
function stampStyleElements(nonce: string): void {
  const createElement = document.createElement.bind(document);
  document.createElement = (tag: string, options?: ElementCreationOptions) => {
    const element = createElement(tag, options);
    if (element instanceof HTMLStyleElement) {
      element.nonce = nonce;
    }
    return element;
  };
}
