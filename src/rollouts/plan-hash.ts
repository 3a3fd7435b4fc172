import { createHash } from "node:crypto";
import type { MfaFlagState, SafeAuthFlags } from "../cam/index.ts";
import type { MfaMethods } from "../changes/mfa-change.ts";
import type { PlannedItem, RolloutInput, SentFlagSets } from "./rollout.ts";

/** What a plan hash covers beside its items. */
interface HashedPlan {
  readonly policyHash: string | undefined;
  readonly undoOf: string | undefined;
  readonly input: RolloutInput;
  /** The error budget, as a number of users. */
  readonly maxFailures: number;
}

/**
 * The hash of a plan: SHA-256 of one line of JSON for each item, in order, and a last line for the rest. It covers all
 * that decides what a run does: users, before-images, flag sets, states and waves, the options and the policy. The same
 * plan has the same hash wherever it is read from, so anybody can compute it again.
 */
export class PlanHash {
  readonly #hash = createHash("sha256");

  add({ item, account, opUin, state, code, wave, before, sent }: PlannedItem): void {
    this.#line([
      ...[item, account ?? null, opUin, state, code ?? null, wave ?? null],
      ...[before === undefined ? null : imageText(before), sent === undefined ? null : sentTexts(sent)],
    ]);
  }

  /** Ends the plan. Returns the hash in hexadecimal digits. */
  end({ policyHash, undoOf, input, maxFailures }: HashedPlan): string {
    const { selection, desired, waves, window, includeAtRisk } = input;
    this.#line([
      "end",
      ...[policyHash ?? null, undoOf ?? null, maxFailures, includeAtRisk, selection?.accounts ?? null],
      desired === undefined ? null : [wantedText(desired.login), wantedText(desired.action)],
      waves.map(({ users, holdHours, waitForRelease }) => [users, holdHours, waitForRelease]),
      window === undefined ? null : [window.timeZone, window.days ?? null, window.from, window.to],
    ]);
    return this.#hash.digest("hex");
  }

  #line(values: readonly unknown[]): void {
    this.#hash.update(`${JSON.stringify(values)}\n`);
  }
}

const METHODS: readonly (keyof MfaFlagState)[] = [
  ...(["phone", "token", "stoken", "wechat", "custom", "mail", "u2fToken", "passkey"] as const),
];

/** Returns both protections as digits in the order of METHODS: 1 for on, 0 for off, - for unreported. */
function imageText({ login, action }: SafeAuthFlags): string {
  return [login, action].map((flags) => METHODS.map((method) => digitOf(flags[method])).join("")).join(" ");
}

function sentTexts({ login, action }: SentFlagSets): readonly string[] {
  return [wantedText(login), wantedText(action)];
}

/** Returns the methods that a write can set, in the same digits. Empty for a protection that stays as it is. */
function wantedText(methods: MfaMethods | undefined): string {
  if (methods === undefined) return "";
  return digitOf(methods.phone) + digitOf(methods.stoken) + digitOf(methods.wechat);
}

function digitOf(flag: boolean | undefined): string {
  return flag === undefined ? "-" : flag ? "1" : "0";
}
