import type { Account } from "../account/account.ts";
import type { AccessKey } from "../account/seed.ts";
import { refusals } from "../cam-refusals.ts";
import type { KeyIssuer } from "../key-issuer.ts";
import type { ParameterReader } from "./parameter-reader.ts";

/** One API of the vendor. */
export type ActionDefinition = SignedAction | UnsignedAction;

export interface SignedAction extends ActionIdentity {
  unsigned?: false;
  /** Reads the parameters, then does it. Throws CamRefusal. */
  run(reader: ParameterReader, context: SignedContext): ActionResult;
}

/** An API for callers that have no key yet. */
export interface UnsignedAction extends ActionIdentity {
  unsigned: true;
  /** Reads the parameters, then does it. Throws CamRefusal. */
  run(reader: ParameterReader, context: ActionContext): ActionResult;
}

interface ActionIdentity {
  name: string;
  product: "cam" | "sts";
  version: string;
  /** Which parameter names users, for the journal and for faults aimed at one of them. */
  uinParameter?: string;
}

interface ActionContext {
  account: Account;
  issuer: KeyIssuer;
  nowMs: number;
  /** By how much what is read lags behind what was written. */
  readLagMs: number;
  omittedIntegers: "zero" | "unchanged";
}

export interface SignedContext extends ActionContext {
  key: AccessKey;
}

interface ActionResult {
  /** The reply's members, before RequestId is added. Integers that may be long are bigint. */
  response: Record<string, unknown>;
  /** Whether it wrote to the account. */
  applied: boolean;
}

type BoundAction = (reader: ParameterReader, context: ActionContext) => ActionResult;

/** An action in the caller's name. Without a key there are only those that the vendor documents as unsigned. */
export function bindAction(definition: ActionDefinition, key: AccessKey | undefined): BoundAction {
  if (definition.unsigned) return (reader, context) => definition.run(reader, context);
  if (key === undefined) throw refusals.invalidAuthorization();
  return (reader, context) => definition.run(reader, { ...context, key });
}
