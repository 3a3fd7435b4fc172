/**
 * Classes of SQLSTATE that say something of the store and not of the statement: connection, authorisation, no such
 * database, transaction rolled back for another's sake, resources, a database or lock not to be had now, operator
 * intervention, system and internal errors. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const STORE_CLASSES: ReadonlySet<string> = new Set(["08", "28", "3D", "40", "53", "55", "57", "58", "XX"]);

/** A standby that takes no writes or has no unlogged tables, and a right that was taken away. */
const STORE_CODES: ReadonlySet<string> = new Set(["0A000", "25006", "42501"]);

/**
 * Whether an error of a query means that the store does not do its work now, so that the same statement can
 * succeed later. The rest are mistakes of ours (a value that is no UUID, a missing column, a broken promise of the
 * schema): they must surface as such, and not be waited out.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  // Only what the server itself says has a severity; EPIPE has five letters too.
  if (typeof code === "string" && typeof severity === "string") {
    return STORE_CLASSES.has(code.slice(0, 2)) || STORE_CODES.has(code);
  }
  // No answer: broken connections, timeouts, a closed pool, a WebAssembly trap. Drivers give most of them no code.
  const isMisuse = [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
  return !isMisuse;
}

/**
 * Whether an error says that the connection died, or that the server ended it, so that the statement may succeed at once
 * on another. Anything else that the server says will be said again.
 */
export function isLostConnection(error: unknown): boolean {
  const { code, severity } = error as { readonly code?: string; readonly severity?: unknown };
  if (typeof severity !== "string") return true;
  return ["08003", "08006", "57P01", "57P02", "57P05"].includes(code ?? "");
}
