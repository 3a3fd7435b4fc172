import { createHash } from "node:crypto";
import type { DesiredProtections, PlannedItem, Rollout, RolloutOptions } from "./rollout.ts";

/** The methods of an image, in the order of the hash. */
export const METHODS = [
  "phone",
  "token",
  "stoken",
  "wechat",
  "custom",
  "mail",
  "u2fToken",
  "passkey",
] as const;

/** An absent method was not reported by CAM, or is not to be changed. */
type Methods = Readonly<Partial<Record<(typeof METHODS)[number], boolean | undefined>>>;

/** The parts of an item that the plan's hash covers. */
interface HashedItem extends Pick<PlannedItem, "item" | "state" | "code" | "wave"> {
  readonly account?: string | undefined;
  readonly opUin: string;
  readonly before?: { readonly login: Methods; readonly action: Methods } | undefined;
  readonly sent?: { readonly login?: Methods | undefined; readonly action?: Methods | undefined } | undefined;
}

/** The parts of a plan that its hash covers besides the items. */
export interface PlanTerms extends Omit<RolloutOptions, "maxFailures" | "window"> {
  readonly window?: RolloutOptions["window"];
  readonly policyHash?: string | undefined;
  readonly undoOf?: string | undefined;
  /** The error budget, as a number of users. */
  readonly maxFailures: number;
  /** The selected accounts. Undefined for an undo. */
  readonly accounts?: readonly string[] | undefined;
  /** The wanted protections. Undefined for an undo. */
  readonly desired?: DesiredProtections | undefined;
}

/** Returns the terms of a plan from its rollout. */
export function termsOf({
  policyHash,
  undoOf,
  maxFailures,
  input: { selection, desired, waves, window, includeAtRisk },
}: Pick<Rollout, "policyHash" | "undoOf" | "input"> & Pick<PlanTerms, "maxFailures">): PlanTerms {
  const accounts = selection?.accounts;
  return { policyHash, undoOf, maxFailures, accounts, desired, waves, window, includeAtRisk };
}

/**
 * The hash of a plan: SHA-256 of one line of JSON for each item, in order, and a last line for the rest. It covers
 * everything that decides what a run does: users, before-images, flag sets, states and waves, the options and the
 * policy. Anyone with the rows, or with the bundle of the proof, can recompute it.
 */
export class PlanHash {
  readonly #hash = createHash("sha256");

  add({ item, account, opUin, state, code, wave, before, sent }: HashedItem): void {
    this.#line([
      ...[item, account ?? null, opUin, state, code ?? null, wave ?? null],
      ...[before === undefined ? null : imageText(before), sent === undefined ? null : sentTexts(sent)],
    ]);
  }

  /** Ends the plan. Returns the hash in hexadecimal digits. */
  end({
    policyHash,
    undoOf,
    maxFailures,
    accounts,
    desired,
    waves,
    window,
    includeAtRisk,
  }: PlanTerms): string {
    this.#line([
      "end",
      ...[policyHash ?? null, undoOf ?? null, maxFailures, includeAtRisk, accounts ?? null],
      desired === undefined ? null : sentTexts(desired),
      waves.map(({ users, holdHours, waitForRelease }) => [users, holdHours, waitForRelease]),
      window === undefined ? null : [window.timeZone, window.days ?? null, window.from, window.to],
    ]);
    return this.#hash.digest("hex");
  }

  #line(values: readonly unknown[]): void {
    this.#hash.update(`${JSON.stringify(values)}\n`);
  }
}

/** Returns both protections as digits in the order of METHODS: 1 for on, 0 for off, - for unreported. */
function imageText({ login, action }: NonNullable<HashedItem["before"]>): string {
  return [login, action].map((flags) => METHODS.map((method) => digitOf(flags[method])).join("")).join(" ");
}

function sentTexts({ login, action }: NonNullable<HashedItem["sent"]>): readonly string[] {
  return [wantedText(login), wantedText(action)];
}

/** Returns the methods that a write can set, in the same digits. Empty for a protection that stays as it is. */
function wantedText(methods: Methods | undefined): string {
  if (methods === undefined) return "";
  return digitOf(methods.phone) + digitOf(methods.stoken) + digitOf(methods.wechat);
}

function digitOf(flag: boolean | undefined): string {
  return flag === undefined ? "-" : flag ? "1" : "0";
}
