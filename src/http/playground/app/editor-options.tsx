import { formatShortcutForOS, useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

const NO_OPERATION =
  "Type an operation, or open one from the Examples. Ctrl-Space lists what can stand at the cursor. " +
  "The operation's name becomes the name of the tab.";
const NO_RESULT = `The result appears here. Press the play button or ${formatShortcutForOS("Ctrl-Enter", "Cmd")}.`;

/**
 * Wraps long lines in the operation editor, so that a narrow window hides no comment, and has empty editors say what
 * to do. Draws nothing itself.
 */
export function EditorOptions() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const responseEditor = useGraphiQL((state) => state.responseEditor);
  useEffect(() => queryEditor?.updateOptions({ wordWrap: "on", placeholder: NO_OPERATION }), [queryEditor]);
  useEffect(() => responseEditor?.updateOptions({ placeholder: NO_RESULT }), [responseEditor]);
  return null;
}
