import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Clock } from "../../clock.ts";
import { decodeFile, whyUnreadable } from "../../utf8.ts";
import { AuthFileError } from "../auth-files.ts";
import { parsePolicy } from "./parse-policy.ts";
import type { Policy } from "./policy.ts";

/** Names the policy that is in force, for whoever reads the log. */
export interface PolicyDescription {
  readonly file: string;
  readonly rules: number;
  /** As `sha256sum` prints it. */
  readonly sha256: string;
}

export interface PolicyObserver {
  onPolicyInForce(policy: PolicyDescription): void;
  /** The file has changed and cannot be used; the old policy goes on. Told once for each change. */
  onPolicyError(error: unknown): void;
}

/** What a policy may ask for. */
export interface PolicyTerms {
  /** Whether requests for approval can be sealed: server mode needs a signing key for that. */
  readonly approvals: boolean;
}

export function policyTerms({
  mode,
  checkpoints,
}: {
  readonly mode: "local" | "server";
  readonly checkpoints: unknown;
}): PolicyTerms {
  return { approvals: mode === "local" || checkpoints !== undefined };
}

/** By looking, not by being told: a mounted file is replaced as a whole, which watchers of a file do not notice. */
export const LOOK_EVERY_MS = 2_000;

/**
 * The policy of a file, which is taken anew when the file changes and has been the same twice in a row: half of a YAML
 * file is often one as well, and says something else.
 */
export class PolicyFile {
  readonly #file: string;
  readonly #terms: PolicyTerms;
  readonly #observer: PolicyObserver;
  readonly #clock: Clock;
  #current: Policy;
  /** What was last judged, in force or not. */
  #judged: Look;
  #lastLook: Look;
  #cancel: () => void = () => undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(file: string, first: Look, terms: PolicyTerms, observer: PolicyObserver, clock: Clock) {
    this.#file = file;
    this.#terms = terms;
    this.#observer = observer;
    this.#clock = clock;
    this.#judged = first;
    this.#lastLook = first;
    this.#current = policyOf(file, first, terms);
    observer.onPolicyInForce(describe(file, first, this.#current));
    this.#lookLater();
  }

  /** @throws AuthFileError that names everything that is wrong with the file. */
  static async open(
    file: string,
    terms: PolicyTerms,
    observer: PolicyObserver,
    clock: Clock,
  ): Promise<PolicyFile> {
    return new PolicyFile(file, await lookAt(file), terms, observer, clock);
  }

  /** The policy in force now. */
  get current(): Policy {
    return this.#current;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#cancel = this.#clock.after(LOOK_EVERY_MS, () => {
      this.#looking = this.#look().then(() => this.#lookLater());
    });
  }

  async #look(): Promise<void> {
    const look = await lookAt(this.#file);
    const isSettled = isSame(look, this.#lastLook);
    this.#lastLook = look;
    if (!isSettled || isSame(look, this.#judged)) return;
    this.#judged = look;
    try {
      this.#current = policyOf(this.#file, look, this.#terms);
    } catch (error) {
      this.#observer.onPolicyError(error);
      return;
    }
    this.#observer.onPolicyInForce(describe(this.#file, look, this.#current));
  }
}

/** @throws AuthFileError that names everything that is wrong with the file. */
export async function loadPolicy(file: string, terms: PolicyTerms = { approvals: true }): Promise<Policy> {
  return policyOf(file, await lookAt(file), terms);
}

/** What is in the file, or why that cannot be told. */
type Look = { readonly bytes: Buffer } | { readonly problem: string };

async function lookAt(file: string): Promise<Look> {
  return readFile(file).then(
    (bytes) => ({ bytes }),
    (error: unknown) => ({ problem: whyUnreadable(error) }),
  );
}

function isSame(one: Look, other: Look): boolean {
  return "bytes" in one
    ? "bytes" in other && one.bytes.equals(other.bytes)
    : "problem" in other && one.problem === other.problem;
}

function policyOf(file: string, look: Look, { approvals }: PolicyTerms): Policy {
  if ("problem" in look) throw new AuthFileError([`POLICY_FILE ${file} ${look.problem}.`]);
  const parsed = parsePolicy(textOf(file, look.bytes));
  if ("policy" in parsed) {
    const asking = parsed.policy.rules.find(({ approval }) => approval !== undefined);
    if (asking === undefined || approvals) return parsed.policy;
    throw new AuthFileError([
      `POLICY_FILE ${file}: the rule ${asking.id} asks for approval, which needs AUDIT_SIGNING_KEY_FILE in server mode.`,
    ]);
  }
  throw new AuthFileError(parsed.problems.map((problem) => `POLICY_FILE ${file}: ${problem}.`));
}

function textOf(file: string, bytes: Buffer): string {
  try {
    return decodeFile(bytes);
  } catch (error) {
    throw new AuthFileError([`POLICY_FILE ${file} ${whyUnreadable(error)}.`]);
  }
}

function describe(file: string, look: Look, { rules }: Policy): PolicyDescription {
  const bytes = "bytes" in look ? look.bytes : "";
  return { file, rules: rules.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}
