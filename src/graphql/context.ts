import type { Refusal } from "../audit/refusal-recorder.ts";
import type { Caller } from "../auth/caller.ts";
import type { AdmittedOperation } from "./admission.ts";
import type { AccountLoaders } from "./loaders.ts";

/** The context of one GraphQL operation. */
export interface GraphQLContext {
  /** The resolvers of the gateway by their class. */
  readonly resolvers: ReadonlyMap<unknown, object>;
  /** The gateway's id of the request. Errors and log lines carry it, and calls to CAM carry it as the trace id. */
  readonly requestId: string;
  readonly caller: Caller;
  /** The monotonic time in milliseconds at which every CAM call of the operation must have ended. */
  readonly deadlineMs: number;
  /** The caller's Idempotency-Key header. */
  readonly idempotencyKey: string | undefined;
  /** The media type of the answer. */
  readonly mediaType: "application/json" | "application/graphql-response+json";
  readonly loaders: AccountLoaders;
  /** Notes a refusal for the record. Returns immediately. */
  readonly noteRefusal: (refusal: Refusal) => void;
  readonly admitted: AdmittedOperation;
}
