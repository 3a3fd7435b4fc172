import { createHash } from "node:crypto";
import { z } from "zod";
import { placeShape } from "../../audit/chain.ts";
import { agreeOnKnownMethods } from "../../cam/index.ts";
import { itemPages } from "../item-batches.ts";
import { METHODS } from "../plan-hash.ts";
import { ITEM_STATES, ROLLOUT_STATUSES, type RolloutItem } from "../rollout.ts";
import type { RolloutStore } from "../rollout-store.ts";

/** The kind of the event that seals the end of a rollout into the gateway's own chain. */
export const SEAL_KIND = "rollout_sealed";

const hash = placeShape.shape.hash;
const time = z.iso.datetime();
const text = z.string().optional();

/** The details of that event, as seal_rollout in schema/functions.sql writes them. */
export const rolloutSealShape = z.looseObject({
  rolloutId: z.uuid(),
  name: z.string(),
  status: z.enum(ROLLOUT_STATUSES),
  planHash: hash,
  startedAt: time,
  finishedAt: time,
  /** Null if the rollout needed no approval. */
  approval: z.looseObject({ subject: z.string(), at: time }).nullable(),
  /** How many users differ from what the run left. */
  differences: z.number().int().nonnegative(),
  /** As digestOfItems computes it. */
  readBackDigest: hash,
});

export type RolloutSeal = z.infer<typeof rolloutSealShape>;

/** Methods that are on or off. */
const methods = z.partialRecord(z.enum(METHODS), z.boolean().optional());
const image = z.strictObject({ login: methods, action: methods, asOf: z.string() });
/** The flag sets of a change, and the wanted protections of a plan. */
export const flagSets = z.strictObject({ login: methods.optional(), action: methods.optional() });

/** An item as a proof shows it. Absent facts are left out. `after` is the read after the run. */
export const provedItemShape = z.strictObject({
  item: z.number().int().positive(),
  account: text,
  opUin: z.string(),
  name: text,
  wave: z.number().int().positive().optional(),
  plannedState: z.enum(ITEM_STATES),
  plannedCode: text,
  before: image.optional(),
  sent: flagSets.optional(),
  state: z.enum(ITEM_STATES),
  code: text,
  camCode: text,
  why: text,
  changeId: z.uuid().optional(),
  after: image.optional(),
  afterAt: time.optional(),
});

export type ProvedItem = z.infer<typeof provedItemShape>;

/** Returns the proved form of an item. The keys are in the order of the shape. */
export function toProvedItem({ readBack, readBackAt, ...item }: RolloutItem): ProvedItem {
  return provedItemShape.strip().parse({ ...item, after: readBack, afterAt: readBackAt?.toISOString() });
}

/**
 * Returns whether a read after the run shows another state than the run left. Undefined: the user could not be read. What
 * the run left is not known of a user who had changed before.
 */
export function isDifferent(
  { state, code, before, sent }: Pick<ProvedItem, "state" | "code" | "before" | "sent">,
  after: Omit<NonNullable<ProvedItem["after"]>, "asOf"> | undefined,
): boolean {
  if (state === "changed_since") return false;
  if (before === undefined || after === undefined) return true;
  const written = {
    login: { ...before.login, ...sent?.login },
    action: { ...before.action, ...sent?.action },
  };
  if (state === "applied") return !agreeOnKnownMethods(written, after);
  return (
    !agreeOnKnownMethods(before, after) &&
    (code !== "OUTCOME_UNKNOWN" || !agreeOnKnownMethods(written, after))
  );
}

/** Computes the digest of all items, added in their order: SHA-256 over each as JSON with a line feed. */
export class ItemsDigest {
  readonly #hash = createHash("sha256");

  add(item: ProvedItem): void {
    this.#hash.update(`${JSON.stringify(item)}\n`);
  }

  /** Returns 64 hex digits. */
  finish(): string {
    return this.#hash.digest("hex");
  }
}

/** The most items in one read. */
const BATCH = 1_000;

/** Returns the digest that the seal of a rollout has. Its items must be settled and read once more. */
export async function digestOfItems(store: RolloutStore, rolloutId: string): Promise<string> {
  const digest = new ItemsDigest();
  for await (const items of itemPages((after) => store.items(rolloutId, {}, BATCH, after))) {
    for (const item of items) digest.add(toProvedItem(item));
  }
  return digest.finish();
}
