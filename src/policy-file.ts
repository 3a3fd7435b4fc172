import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { parsePolicy } from "./auth/policy/parse-policy.ts";
import type { Policy } from "./auth/policy/policy.ts";
import { ConfigError } from "./config.ts";

export interface PolicyObserver {
  onPolicyReloaded(policy: Policy): void;
  /** The file has changed and cannot be used; the old policy goes on. */
  onPolicyError(error: unknown): void;
}

/** By looking, as for certificates: a mounted file is replaced as a whole, which watchers do not notice. */
const LOOK_EVERY_MS = 2_000;

/** The policy of a file, which is taken anew when the file changes. */
export class PolicyFile {
  #current: Policy;
  readonly #close: () => void;

  private constructor(file: string, policy: Policy, observer: PolicyObserver, everyMs: number) {
    this.#current = policy;
    const reload = (): void => {
      loadPolicy(file).then(
        (loaded) => {
          this.#current = loaded;
          observer.onPolicyReloaded(loaded);
        },
        (error: unknown) => observer.onPolicyError(error),
      );
    };
    watchFile(file, { interval: everyMs, persistent: false }, reload);
    this.#close = () => unwatchFile(file, reload);
  }

  /** @throws ConfigError where the file cannot be used. */
  static async open(file: string, observer: PolicyObserver, everyMs = LOOK_EVERY_MS): Promise<PolicyFile> {
    return new PolicyFile(file, await loadPolicy(file), observer, everyMs);
  }

  get current(): Policy {
    return this.#current;
  }

  close(): void {
    this.#close();
  }
}

/** @throws ConfigError that names everything that is wrong with the file. */
export async function loadPolicy(file: string): Promise<Policy> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`POLICY_FILE ${file} cannot be read (${error.code}).`]);
  });
  const parsed = parsePolicy(text);
  if ("policy" in parsed) return parsed.policy;
  throw new ConfigError(parsed.problems.map((problem) => `POLICY_FILE ${file}: ${problem}.`));
}
