import type { WireError } from "../support/wire-error.ts";
import { stable } from "./stable.ts";

/** What Cosmo puts into one error. */
export function unwrapped(error: WireError): readonly WireError[] {
  const inner = error.extensions?.["errors"];
  return Array.isArray(inner) ? inner.map(stable) : [error];
}
