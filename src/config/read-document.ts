import { parseDocument } from "yaml";

/** Parses JSON or YAML: JSON is a part of YAML. Reports a name that occurs twice as a mistake. */
export function readDocument(text: string): { readonly value?: unknown; readonly problem?: string } {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    return { problem: `cannot be read as JSON or YAML (line ${line}: ${error.code})` };
  }
  try {
    return { value: document.toJS() };
  } catch {
    return { problem: "has aliases that expand too far" };
  }
}
