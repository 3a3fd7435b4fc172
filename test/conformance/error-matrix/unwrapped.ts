import type { WireError } from "../support/wire-error.ts";
import { stable } from "./stable.ts";

/** Returns the errors that Cosmo wraps into one. */
export function unwrapped(error: WireError): readonly WireError[] {
  const inner = error.extensions?.["errors"];
  return Array.isArray(inner) ? inner.map(stable) : [error];
}
