import { formatShortcutForOS, useGraphiQL } from "@graphiql/react";
import type { Environment } from "monaco-editor";
import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";
import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import GraphQLWorker from "monaco-graphql/esm/graphql.worker.js?worker";
import { useEffect } from "react";

/**
 * Makes Monaco start its workers from the gateway's files. GraphiQL has the same setup, but logs every start to the
 * console.
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

/**
 * Gives the page's nonce to every `<style>` element that a script creates, because the content security policy drops
 * others. Monaco and the dialogs create `<style>` elements without a nonce.
 */
export function stampStyleElements(nonce: string): void {
  const createElement = document.createElement.bind(document);
  document.createElement = (tag: string, options?: ElementCreationOptions) => {
    const element = createElement(tag, options);
    if (element instanceof HTMLStyleElement) {
      element.nonce = nonce;
    }
    return element;
  };
}

const NO_OPERATION =
  "Type an operation, or open one from the Examples. Ctrl-Space lists what can stand at the cursor. " +
  "The operation's name becomes the name of the tab.";
const NO_RESULT = `The result appears here. Press the play button or ${formatShortcutForOS("Ctrl-Enter", "Cmd")}.`;

/**
 * Wraps long lines in the operation editor, so that a narrow window shows whole comments, and sets the placeholders of
 * empty editors. Draws nothing.
 */
export function EditorOptions() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const responseEditor = useGraphiQL((state) => state.responseEditor);
  useEffect(() => queryEditor?.updateOptions({ wordWrap: "on", placeholder: NO_OPERATION }), [queryEditor]);
  useEffect(() => responseEditor?.updateOptions({ placeholder: NO_RESULT }), [responseEditor]);
  return null;
}
