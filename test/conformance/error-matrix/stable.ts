import type { WireError } from "../support/wire-error.ts";

/** Values that differ in each run. */
const VOLATILE: Readonly<Record<string, string>> = {
  requestId: "(an id)",
  changeId: "(an id)",
  expiresAt: "(a time)",
  opUin: "(the user)",
  retryAfterMs: "(a while)",
};

/** Returns an error without the values that differ in each run and without positions in the router's text. */
export function stable({ message, path, extensions }: WireError): WireError {
  return {
    message,
    ...(path === undefined ? {} : { path }),
    ...(extensions === undefined
      ? {}
      : { extensions: stableIn(extensions) as Readonly<Record<string, unknown>> }),
  };
}

function stableIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (isError(item) ? stable(item) : stableIn(item)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, VOLATILE[key] ?? stableIn(item)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function isError(value: unknown): value is WireError {
  return typeof value === "object" && value !== null && "message" in value;
}

/** Returns the errors that Cosmo wraps into one. */
export function unwrapped(error: WireError): readonly WireError[] {
  const inner = error.extensions?.["errors"];
  return Array.isArray(inner) ? inner.map(stable) : [error];
}
