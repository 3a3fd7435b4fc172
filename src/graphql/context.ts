import type { Caller } from "../auth/caller.ts";
import type { AdmittedOperation } from "./admission.ts";
import type { AccountLoaders } from "./loaders.ts";

/** What one GraphQL operation carries. */
export interface GraphQLContext {
  /** The gateway's id of the request: in every error, every log line, and on the wire to CAM as its trace id. */
  readonly requestId: string;
  readonly caller: Caller;
  /** Monotonic milliseconds by which everything that the operation asks of CAM has to be over. */
  readonly deadlineMs: number;
  /** The caller's Idempotency-Key header. */
  readonly idempotencyKey: string | undefined;
  /** The form in which the answer leaves. */
  readonly mediaType: "application/json" | "application/graphql-response+json";
  readonly loaders: AccountLoaders;
  readonly admitted: AdmittedOperation;
}
