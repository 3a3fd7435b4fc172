import type { Clock } from "../clock.ts";

/**
 * Owns the state of the gateway's parts. Observers report faults and recoveries here; the health probes and the metrics
 * read the same state. docs/operators/health.md has the table of the parts.
 */
export const PARTS = {
  database: "The database takes writes.",
  schema: "The database has every migration of this release.",
  credentials: "CAM accepts the account's key.",
  issuer_keys: "The issuer's public keys can be loaded.",
  clock: "This machine's clock agrees with CAM's.",
  circuit: "No circuit of the account is open.",
  quota: "The account's calls get slots, and CAM throttles none.",
  record: "The record contains what this replica knows of it, and is signed.",
  accounts: "The file of accounts can be used.",
  webhooks: "The file of receivers can be used, and the receiver accepts events.",
  open_changes: "The account is configured while it has open changes.",
} as const;

export type PartName = keyof typeof PARTS;

/** The states of a replica from its start to its stop. */
type Phase = "starting" | "serving" | "stopping";

export interface PartState {
  readonly part: PartName;
  /** The account or issuer of the part. Undefined for a part of the whole gateway. */
  readonly of: string | undefined;
  readonly state: "ok" | "degraded";
  /** The time of the last change of the state: ISO 8601. */
  readonly since: string;
  /** The fault of a degraded part, safe to show. */
  readonly problem: string | undefined;
}

interface HealthReport {
  readonly status: "starting" | "stopping" | "unfit" | "degraded" | "ready";
  /** Whether a load balancer should send requests to this replica. */
  readonly isReady: boolean;
  readonly parts: readonly PartState[];
}

/** The state of one replica and of its parts. */
export class Health {
  readonly #clock: Clock;
  readonly #parts = new Map<string, PartState>();
  readonly #samplers = new Set<() => void>();
  #phase: Phase = "starting";
  #hasStarted = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isServing(): boolean {
    return this.#phase === "serving";
  }

  /** Whether the replica has started once. It stays true while the replica stops. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  serve(): void {
    this.#phase = "serving";
    this.#hasStarted = true;
  }

  stop(): void {
    this.#phase = "stopping";
  }

  /** Sets the state of a part. A part without a problem is ok. */
  report(part: PartName, of: string | undefined, problem?: string): void {
    const key = keyOf(part, of);
    const state = problem === undefined ? "ok" : "degraded";
    const before = this.#parts.get(key);
    const since = before?.state === state ? before.since : new Date(this.#clock.now()).toISOString();
    this.#parts.set(key, { part, of, state, since, problem });
  }

  /**
   * Adds a function that reports the parts of an account or issuer without events of their own. It runs before each
   * read of the states. @returns a function that removes it and the parts.
   */
  watch(of: string, sampler: () => void): () => void {
    this.#samplers.add(sampler);
    return () => {
      this.#samplers.delete(sampler);
      for (const [key, part] of this.#parts) if (part.of === of) this.#parts.delete(key);
    };
  }

  /** Removes a part whose account or issuer is gone. */
  forget(part: PartName, of: string): void {
    this.#parts.delete(keyOf(part, of));
  }

  /** Returns the states of all parts now. */
  read(): HealthReport {
    for (const sampler of this.#samplers) sampler();
    const parts = [...this.#parts.values()];
    const status = this.#statusOf(parts);
    return { status, isReady: status === "ready" || status === "degraded", parts };
  }

  /**
   * All replicas share the database, CAM and the issuers. So a fault of these degrades a replica and never takes it out
   * of rotation. A schema that does not fit does: another replica may have another database.
   */
  #statusOf(parts: readonly PartState[]): HealthReport["status"] {
    if (this.#phase !== "serving") return this.#phase;
    const degraded = parts.filter(({ state }) => state === "degraded");
    if (degraded.some(({ part }) => part === "schema")) return "unfit";
    return degraded.length > 0 ? "degraded" : "ready";
  }
}

function keyOf(part: PartName, of: string | undefined): string {
  return `${part} ${of ?? ""}`;
}
