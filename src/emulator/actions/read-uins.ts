import type { WireObject, WireValue } from "../wire/exact-json.ts";
import type { ActionDefinition } from "./action-definition.ts";

/** The users a call names, as far as they can be read. Never refuses: whether they are valid is decided later. */
export function readUins(definition: ActionDefinition, parameters: WireObject): string[] {
  const name = definition.uinParameter;
  if (name === undefined || !Object.hasOwn(parameters, name)) return [];
  return leaves(parameters[name] ?? null);
}

function leaves(value: WireValue): string[] {
  if (typeof value === "bigint") return [value.toString()];
  if (typeof value === "string") return /^\d{1,20}$/.test(value) ? [BigInt(value).toString()] : [];
  if (Array.isArray(value)) return value.flatMap(leaves);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}
