import { isDeepStrictEqual } from "node:util";
import type { Fate } from "../routers/router-guide.ts";
import type { ExpectedError } from "./expected-error.ts";
import { innerErrorOf, type ReceivedError } from "./received-error.ts";

/** What became of one part of an error. */
export interface Finding {
  /** `message`, `path` or `extensions.<key>`. */
  readonly part: string;
  readonly fate: Fate;
  /** Where it is now, or what stands in its place. */
  readonly now?: string;
}

/** Compares a thrown error as it arrived with what the gateway sends. Without a received error, all is lost. */
export function compareThrown(
  received: ReceivedError | undefined,
  expected: ExpectedError,
  path: readonly string[],
): Finding[] {
  const outer = received ?? { extensions: {} };
  const inner = innerErrorOf(outer);
  const isMessage = (value: unknown) => typeof value === "string" && value.includes(expected.message);
  const isPath = (value: unknown) => isDeepStrictEqual(value, path);
  return [
    judge("message", isMessage, outer.message, inner?.message),
    judge("path", isPath, outer.path, inner?.path),
    ...Object.entries(expected.extensions).map(([key, value]) => {
      const isValue = (found: unknown) => isSame(key, value, found);
      const finding = judge(`extensions.${key}`, isValue, outer.extensions[key], inner?.extensions[key]);
      return finding.fate === "lost" ? (renamed(outer, key, value) ?? finding) : finding;
    }),
  ];
}

function judge(part: string, isKept: (value: unknown) => boolean, outer: unknown, inner: unknown): Finding {
  if (isKept(outer)) return { part, fate: "kept" };
  if (isKept(inner)) return { part, fate: "nested", now: `extensions.errors[0].${part}` };
  return outer === undefined || outer === null
    ? { part, fate: "lost" }
    : { part, fate: "replaced", now: JSON.stringify(outer) };
}

/** Only a text is telling enough to be recognised under another key. */
function renamed({ extensions }: ReceivedError, key: string, value: unknown): Finding | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const [other] = Object.entries(extensions).find(([, found]) => found === value) ?? [];
  return other === undefined
    ? undefined
    : { part: `extensions.${key}`, fate: "renamed", now: `extensions.${other}` };
}

function isSame(key: string, expected: unknown, found: unknown): boolean {
  return key === "requestId" ? typeof found === "string" && found !== "" : isDeepStrictEqual(expected, found);
}
