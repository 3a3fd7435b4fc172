import type { Account } from "../account/account.ts";
import type { AccessKey } from "../account/seed-schema.ts";
import type { ParameterReader } from "./parameter-reader.ts";

/** One API of the vendor. */
export interface ActionDefinition {
  name: string;
  product: "cam" | "sts";
  version: string;
  /** Which parameter names users, for the journal and for faults aimed at one of them. */
  uinParameter?: string;
  /** Reads the parameters, then does it. Throws CamRefusal. */
  run(reader: ParameterReader, context: ActionContext): ActionResult;
}

export interface ActionContext {
  account: Account;
  key: AccessKey;
  omittedIntegers: "zero" | "unchanged";
}

export interface ActionResult {
  /** The reply's members, before RequestId is added. Integers that may be long are bigint. */
  response: Record<string, unknown>;
  /** Whether it wrote to the account. */
  applied: boolean;
}
