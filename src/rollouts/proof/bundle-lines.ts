import { z } from "zod";
import { placeShape } from "../../audit/chain.ts";
import type { PlanTerms } from "../plan-hash.ts";
import { flagSets, type ProvedItem, provedItemShape } from "./rollout-seal.ts";

/** The first line of a bundle. The items follow, one a line, and then an export of the record (docs/iam/hash-chains.md). */
export interface BundleHeader {
  readonly rollout: 1;
  readonly id: string;
  /** The number of items. */
  readonly items: number;
  /** With the items, all that the hash of the plan covers. */
  readonly plan: PlanTerms;
}

/** A line of an item: the item, and the place of its change in the hash chain of its account. */
export interface BundleItem {
  readonly item: ProvedItem;
  readonly record: { readonly chain: string; readonly seq: number; readonly digest: string } | null;
}

const { seq, hash } = placeShape.shape;
const count = z.number().int().nonnegative();

const planShape: z.ZodType<PlanTerms> = z.strictObject({
  policyHash: hash.optional(),
  undoOf: z.uuid().optional(),
  maxFailures: count,
  accounts: z.array(z.string()).optional(),
  desired: flagSets.optional(),
  waves: z.array(z.strictObject({ users: count, holdHours: count, waitForRelease: z.boolean() })),
  window: z
    .strictObject({
      ...{ timeZone: z.string(), days: z.array(z.string()).optional() },
      ...{ from: z.string(), to: z.string() },
    })
    .optional(),
  includeAtRisk: z.boolean(),
});
const headerShape: z.ZodType<BundleHeader> = z.strictObject({
  rollout: z.literal(1),
  id: z.uuid(),
  items: count,
  plan: planShape,
});
const itemShape: z.ZodType<BundleItem> = z.strictObject({
  item: provedItemShape,
  record: z.strictObject({ chain: z.string(), seq, digest: hash }).nullable(),
});

/** The forms of the lines before the export. The keys of each are in the order in which they are written. */
export const BUNDLE_LINES = { header: headerShape, item: itemShape } as const;
