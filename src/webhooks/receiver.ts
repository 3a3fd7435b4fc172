import type { SecretSource } from "../secret.ts";

/** The types of events. The triggers in schema/migrations write them. */
export const EVENT_TYPES = [
  ...(["approval.requested", "caller.paused", "drift.found", "scan.finished"] as const),
  ...(["rollout.approval_requested", "rollout.started", "rollout.paused"] as const),
  ...(["rollout.finished", "rollout.stopped"] as const),
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** An entry of WEBHOOKS_FILE. */
export interface Receiver {
  readonly name: string;
  readonly url: URL;
  /** One secret, or two during a rotation. Each signs every event. */
  readonly secrets: readonly SecretSource[];
  readonly events: readonly EventType[];
  /** Undefined: events of all accounts. */
  readonly accounts: readonly string[] | undefined;
  /** Whether it may have an address of a private network. */
  readonly privateAddresses: boolean;
  /** SHA-256 of the entry, without the values of secrets. */
  readonly settings: string;
}
