import type { Account } from "../account.ts";
import { refusals } from "../cam-refusals.ts";
import type { KeyIssuer } from "../key-issuer.ts";
import type { AccessKey } from "../seed.ts";
import type { WireObject, WireValue } from "../wire/wire-json.ts";
import type { ParameterReader } from "./parameter-reader.ts";

/** One API action of the vendor. */
export type ActionDefinition = SignedAction | UnsignedAction;

export interface SignedAction extends ActionIdentity {
  unsigned?: false;
  /** Reads the parameters, then runs the action. Throws CamRefusal. */
  run(reader: ParameterReader, context: SignedContext): ActionResult;
}

/** An API action for callers without a key. */
export interface UnsignedAction extends ActionIdentity {
  unsigned: true;
  /** Reads the parameters, then runs the action. Throws CamRefusal. */
  run(reader: ParameterReader, context: ActionContext): ActionResult;
}

interface ActionIdentity {
  name: string;
  product: "cam" | "sts";
  version: string;
  /** The parameter that names users, for the journal and for faults of one user. */
  uinParameter?: string;
}

interface ActionContext {
  account: Account;
  issuer: KeyIssuer;
  nowMs: number;
  /** The lag of reads behind writes, in milliseconds. */
  readLagMs: number;
  /** How the answer of ListUsers and ListAccounts differs from the users of the account. */
  listOddity?: ListOddity | undefined;
  omittedIntegers: "zero" | "unchanged";
}

export interface SignedContext extends ActionContext {
  key: AccessKey;
}

interface ActionResult {
  /** The fields of the reply without RequestId. Integers that may exceed 2^53 are bigint. */
  response: Record<string, unknown>;
  /** Whether the action wrote to the account. */
  applied: boolean;
}

type BoundAction = (reader: ParameterReader, context: ActionContext) => ActionResult;

/** Binds an action to the caller's key. Without a key, only the actions that the vendor documents as unsigned are allowed. */
export function bindAction(definition: ActionDefinition, key: AccessKey | undefined): BoundAction {
  if (definition.unsigned) return (reader, context) => definition.run(reader, context);
  if (key === undefined) throw refusals.invalidAuthorization();
  return (reader, context) => definition.run(reader, { ...context, key });
}

/** Returns the users that a call names, as far as they can be read. Never refuses: the action validates them later. */
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

/** The ways in which a list may be odd. The vendor's own example has a user with the Uin 0. */
export const LIST_ODDITIES = ["half", "repeated", "zeroUin", "nameless"] as const;
export type ListOddity = (typeof LIST_ODDITIES)[number];
