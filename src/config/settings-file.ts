import { hash } from "node:crypto";
import { parseDocument } from "yaml";
import { z } from "zod";
import { Secret } from "../secret.ts";
import type { ConfigInput } from "./variables.ts";

/** Adds a mistake at a path of the file, as in `CAM_ACCOUNTS: accounts.dev has no endpoint.` */
export type Report = (path: readonly PropertyKey[], problem: string) => void;

/** Parses the text of the file that a variable names, JSON or YAML. Adds every mistake to `problems`. */
export function parseSettingsFile<Schema extends z.ZodType>(
  text: string,
  [variable, schema]: readonly [variable: string, schema: Schema],
  problems: string[],
) {
  const report: Report = (path, problem) =>
    void problems.push(`${variable}: ${[path.join("."), problem].filter(Boolean).join(" ")}.`);
  const { document, problem } = readDocument(text);
  if (problem !== undefined) {
    report([], problem);
    return { report };
  }
  const { data, error } = schema.safeParse(document);
  for (const issue of error?.issues ?? []) {
    const inner = issue.code === "invalid_key" ? issue.issues : [issue];
    for (const { message } of inner) report(issue.path, message);
  }
  return { document, data, report };
}

/** JSON is a part of YAML. A name that occurs twice is a mistake. */
function readDocument(text: string): { readonly document?: unknown; readonly problem?: string } {
  const parsed = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const [error] = [...parsed.errors, ...parsed.warnings];
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    return { problem: `cannot be read as JSON or YAML (line ${line}: ${error.code})` };
  }
  try {
    return { document: parsed.toJS() };
  } catch {
    return { problem: "has aliases that expand too far" };
  }
}

export const text = z.string().trim().min(1, "must not be empty");

const PLACES = 'must be {"file": PATH} or {"variable": NAME}, which name its place';

/** The place of a secret. */
export const secretPlace = z.union([z.strictObject({ file: text }), z.strictObject({ variable: text })], {
  error: ({ input }) => (typeof input === "string" ? `${PLACES}: this file must not hold a secret` : PLACES),
});

/** Returns a function that reads the variables that a file names. It returns undefined for one that is not set. */
export function variableReader(env: ConfigInput["env"]): (name: string) => Secret | undefined {
  const values = new Map(Object.entries(env).map(([name, value]) => [name, new Secret(value ?? "")]));
  return (name) => values.get(name);
}

/** Returns the SHA-256 of settings. */
export function hashOf(settings: object): string {
  return hash("sha256", JSON.stringify(settings));
}
