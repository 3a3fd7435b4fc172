import { isDeepStrictEqual } from "node:util";
import type { CamErrorExtensionKey } from "../../contract/index.ts";
import type { Fate } from "./router-guides.ts";

/** The fate of one part of an error. */
export interface Finding {
  /** `message`, `path` or `extensions.<key>`; for a CamFailure the field's name. */
  readonly part: string;
  readonly fate: Fate;
  /** The new place of the value, or the value that replaced it. */
  readonly now?: string;
}

/** The error that the gateway sends for a probe. Any `requestId` matches. */
export interface ExpectedError {
  readonly message: string;
  readonly extensions: Readonly<Partial<Record<CamErrorExtensionKey, unknown>>>;
}

/** An error of a GraphQL reply. Routers may leave out any part of it. */
export interface ReceivedError {
  readonly message?: unknown;
  readonly path?: unknown;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** Compares a received thrown error with the gateway's. Without a received error, every part is lost. */
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

/** Compares a received CamFailure with the gateway's. */
export function compareData(value: unknown, { message, extensions }: ExpectedError): Finding[] {
  const failure = isRecord(value) ? value : {};
  const { code, category, retryable } = extensions;
  const expected = { code, category, message, retryable, requestId: "" };
  return Object.entries(expected).map(([key, wanted]) =>
    judge(key, (found) => isSame(key, wanted, found), failure[key]),
  );
}

function judge(part: string, isKept: (value: unknown) => boolean, outer: unknown, inner?: unknown): Finding {
  if (isKept(outer)) return { part, fate: "kept" };
  if (isKept(inner)) return { part, fate: "nested", now: `extensions.errors[0].${part}` };
  return outer === undefined || outer === null
    ? { part, fate: "lost" }
    : { part, fate: "replaced", now: JSON.stringify(outer) };
}

/** Finds a value under another key. Only a text is specific enough to recognise there. */
function renamed({ extensions }: ReceivedError, key: string, value: unknown): Finding | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const [other] = Object.entries(extensions).find(([, found]) => found === value) ?? [];
  return other === undefined
    ? undefined
    : { part: `extensions.${key}`, fate: "renamed", now: `extensions.${other}` };
}

/** Compares two values. Accepts any request id, because each request has its own. */
function isSame(key: string, expected: unknown, found: unknown): boolean {
  return key === "requestId" ? typeof found === "string" && found !== "" : isDeepStrictEqual(expected, found);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function toReceivedError(value: unknown): ReceivedError {
  if (!isRecord(value)) return { extensions: {} };
  return { ...value, extensions: isRecord(value["extensions"]) ? value["extensions"] : {} };
}

/** Returns the error that a router put inside this one, as Cosmo does. */
export function innerErrorOf({ extensions }: ReceivedError): ReceivedError | undefined {
  const { errors } = extensions;
  return Array.isArray(errors) && errors.length > 0 ? toReceivedError(errors[0]) : undefined;
}
