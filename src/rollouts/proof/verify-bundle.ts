import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { GATEWAY_CHAIN, type SealedRecord, sha256Hex } from "../../audit/chain.ts";
import { linesOf, parseLine } from "../../audit/export-lines.ts";
import { verifyExport } from "../../audit/verify-export.ts";
import type { RecordReport } from "../../audit/verify-record.ts";
import { PlanHash } from "../plan-hash.ts";
import { BUNDLE_LINES, type BundleHeader, type BundleItem } from "./bundle-lines.ts";
import {
  ItemsDigest,
  isDifferent,
  type ProvedItem,
  type RolloutSeal,
  rolloutSealShape,
  SEAL_KIND,
} from "./rollout-seal.ts";

interface VerifyBundleOptions {
  readonly file: string;
  /** In the form of `encodePublicKey`; undefined if no key is known. */
  readonly trustedKeys: readonly string[] | undefined;
}

/** The result of a verification. */
export interface BundleReport {
  /** The sealed facts; undefined if the bundle does not prove them. */
  readonly seal: RolloutSeal | undefined;
  /** The items that the read after the run shows otherwise than sent. */
  readonly differences: readonly Pick<ProvedItem, "account" | "opUin" | "name">[];
  /** The checkpoint that signs the record; undefined without one. */
  readonly signed: RecordReport["signed"];
  /** The first fault; undefined if the bundle is whole. */
  readonly problem: string | undefined;
}

/**
 * Verifies every byte of a bundle, without a database. Each item must be as sealed at the end of the rollout, each
 * change must have its place in the hash chain of its account, and a checkpoint must sign the ends of the chains.
 */
export async function verifyBundle({ file, trustedKeys }: VerifyBundleOptions): Promise<BundleReport> {
  const verifier = new BundleVerifier();
  let header: BundleHeader | undefined;
  let number = 0;
  for await (const { line } of linesOf(file)) {
    number++;
    if (header !== undefined && number > header.items + 1) break;
    if (number > 1) verifier.addItem(number, parseLine(line, BUNDLE_LINES.item));
    else header = parseLine(line, BUNDLE_LINES.header);
    if (header === undefined) break;
  }
  if (header === undefined) return { ...EMPTY, problem: "the first line is not that of a rollout's bundle" };
  const { id, items } = header;
  const record = await verifyExport({
    ...{ file, trustedKeys, skip: items + 1 },
    onRecord: (each) => verifier.addRecord(id, each),
  });
  return verifier.finish(header, record, trustedKeys !== undefined);
}

const EMPTY = { seal: undefined, differences: [], signed: undefined };

/** The parts of a sealed change that an item has too. */
const changeShape = z.looseObject({
  id: z.string(),
  rolloutId: z.string(),
  rolloutItem: z.number(),
  account: z.string(),
  opUin: z.string(),
  sent: z.looseObject({}),
  status: z.string(),
  planHash: z.string(),
});

const eventShape = z.looseObject({
  kind: z.literal(SEAL_KIND),
  details: rolloutSealShape,
});

/** Compares the items of a bundle with the records of its export. */
class BundleVerifier {
  readonly #digest = new ItemsDigest();
  readonly #plan = new PlanHash();
  /** The items whose change no record has shown yet, by their numbers. */
  readonly #unproven = new Map<number, BundleItem>();
  readonly #differences: ProvedItem[] = [];
  /** The plans that the changes name. */
  readonly #plans = new Set<string>();
  #count = 0;
  #seal: RolloutSeal | undefined;
  #problem: string | undefined;

  addItem(line: number, parsed: BundleItem | undefined): void {
    if (parsed === undefined) this.#fail(`line ${line} was altered or damaged`);
    else {
      this.#count += 1;
      this.#checkItem(parsed);
      this.#digest.add(parsed.item);
      const { plannedState: state, plannedCode: code, ...item } = parsed.item;
      this.#plan.add({ ...item, state, code });
    }
  }

  addRecord(id: string, record: SealedRecord): void {
    if (record.content === undefined) return;
    const content = parseJson(record.content);
    const place = `record ${record.seq} of ${record.chain}`;
    if (record.chain === GATEWAY_CHAIN) {
      const event = eventShape.safeParse(content);
      if (event.data?.details.rolloutId !== id) this.#fail(`${place} is not the seal of this rollout`);
      this.#seal = event.data?.details;
      return;
    }
    const change = changeShape.safeParse(content).data;
    if (change?.rolloutId !== id) this.#fail(`${place} does not belong to this rollout`);
    else this.#compare(change, record, place);
  }

  finish({ plan }: BundleHeader, { problem, signed }: RecordReport, isKeyGiven: boolean): BundleReport {
    if (problem !== undefined) {
      const place = [problem.chain, problem.seq === undefined ? undefined : `record ${problem.seq}`];
      this.#fail([...place, problem.reason].filter((part) => part !== undefined).join(": "));
    }
    const [unproven] = this.#unproven.keys();
    if (unproven !== undefined) this.#fail(`the record of item ${unproven} is missing`);
    if (this.#seal === undefined) this.#fail("the sealed end of the rollout is missing");
    else if (this.#seal.readBackDigest !== this.#digest.finish()) {
      this.#fail("the items differ from those sealed at the end of the rollout");
    } else if ([...this.#plans].some((plan) => plan !== this.#seal?.planHash)) {
      this.#fail("a change was made by another plan than the sealed one");
    } else if (this.#seal.planHash !== this.#plan.end(plan)) {
      this.#fail("the items or the terms of the plan do not have the sealed hash of the plan");
    }
    if (signed === undefined && isKeyGiven) this.#fail("no checkpoint signs it, so the key proves nothing");
    const problemFound = this.#problem;
    if (problemFound !== undefined) return { ...EMPTY, problem: problemFound };
    return { seal: this.#seal, differences: this.#differences, signed, problem: undefined };
  }

  #checkItem(parsed: BundleItem): void {
    const { item, record } = parsed;
    if (item.item !== this.#count) this.#fail(`item ${this.#count} is missing or out of its place`);
    if ((item.changeId === undefined) !== (record === null)) {
      this.#fail(`item ${item.item} has a change without its record, or a record without its change`);
    }
    if (record !== null) this.#unproven.set(item.item, parsed);
    else if (item.state === "applied") this.#fail(`item ${item.item} is applied without a change`);
    if (item.afterAt !== undefined && isDifferent(item, item.after)) this.#differences.push(item);
  }

  #compare(
    change: z.infer<typeof changeShape>,
    { chain, seq, content = "" }: SealedRecord,
    place: string,
  ): void {
    const { rolloutItem: number, id, account, opUin, sent, status, planHash } = change;
    this.#plans.add(planHash);
    const known = this.#unproven.get(number);
    // An attempt before the last one.
    if (known?.item.changeId !== id) {
      if (status === "applied") this.#fail(`${place} is an applied change that its item does not name`);
      return;
    }
    this.#unproven.delete(number);
    const { item } = known;
    // The flag sets of a change name the user too.
    const { opUin: _, ...flagSets } = sent;
    const expected = {
      record: { chain, seq, digest: sha256Hex(content) },
      item: { account, opUin, sent: flagSets },
    };
    const given = {
      record: known.record,
      item: { account: item.account, opUin: item.opUin, sent: item.sent },
    };
    if (!isDeepStrictEqual(given, expected) || (status === "applied") !== (item.state === "applied")) {
      this.#fail(`item ${number} differs from its change, ${place}`);
    }
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
  }
}

/** The content of a forged bundle can be any text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
