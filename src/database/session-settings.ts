import type { TransactionSettings } from "kysely";

/** The time limits of a pool's units of work in milliseconds; 0 for none. */
export interface TransactionLimits {
  readonly statementMs: number;
  readonly lockMs: number;
  /** Between two statements of one transaction. */
  readonly idleMs: number;
  /** Refuses writes, and works on a standby. */
  readonly readOnly: boolean;
}

/** The facts that the gateway reads from the server when it connects. */
export interface ServerFacts {
  /** `server_version_num`: 150004 is 15.4. */
  readonly version: number;
  /** The schema of the gateway's tables. */
  readonly schema: string;
  readonly synchronousCommit: string;
}

/** The first release that has `transaction_timeout`. */
const HAS_TRANSACTION_TIMEOUT = 170_000;

/**
 * Settings that decide what a statement means or how the driver reads its result. Roles and poolers can preset them.
 */
const MEANING_SETTINGS: Readonly<Record<string, string>> = {
  DateStyle: "'ISO, MDY'",
  IntervalStyle: "postgres",
  TimeZone: "'UTC'",
  bytea_output: "hex",
  // With 0 PostgreSQL rounds the time of a slot, and the slot's adjustment does not find the slot.
  extra_float_digits: "1",
  array_nulls: "on",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
};

/** The statements with which a unit of work has its settings. */
export interface TransactionOpening {
  /** Sets everything for the rest of a session that is the gateway's own. */
  readonly session: string;
  /** Begins a transaction in such a session. */
  readonly begin: (unit?: TransactionSettings) => string;
  /** Begins a transaction and sets everything in it, so that a pooler may give each unit another session. */
  readonly beginPooled: (unit?: TransactionSettings) => string;
}

export function openingOf(facts: ServerFacts, limits: TransactionLimits): TransactionOpening {
  const settings: Readonly<Record<string, string>> = {
    // pg_temp is last, so that temporary tables of another client in a pooled session shadow no table.
    search_path: `${quoteIdentifier(facts.schema)}, pg_temp`,
    statement_timeout: String(limits.statementMs),
    lock_timeout: String(limits.lockMs),
    idle_in_transaction_session_timeout: String(limits.idleMs),
    ...(facts.version < HAS_TRANSACTION_TIMEOUT ? {} : { transaction_timeout: "0" }),
    ...MEANING_SETTINGS,
    ...(limits.readOnly
      ? // The default of 4 stands for disks: then PostgreSQL reads wide rows instead of a narrow index. With 1.1, as for an SSD,
        // it takes too many rows by an index.
        { random_page_cost: "2" }
      : // With `off` a crash of the server could lose the intent of a change that CAM has received.
        { synchronous_commit: durable(facts.synchronousCommit) }),
  };
  const transactions: Readonly<Record<string, string>> = {
    default_transaction_isolation: "'read committed'",
    default_transaction_deferrable: "off",
    // Without a mode, the default_transaction_read_only of the operator applies.
    ...(limits.readOnly ? { default_transaction_read_only: "on" } : {}),
  };
  const set = (how: "set" | "set local", values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => `${how} ${name} = ${value}`);
  const begin = ({ isolationLevel = "read committed", accessMode }: TransactionSettings = {}) => {
    const access = limits.readOnly ? "read only" : accessMode;
    return `begin isolation level ${isolationLevel}${access ? ` ${access}` : ""} not deferrable`;
  };
  const inUnit = set("set local", settings);
  return {
    session: set("set", { ...settings, ...transactions }).join("; "),
    begin,
    beginPooled: (unit) => [begin(unit), ...inUnit].join("; "),
  };
}

/** Keeps the operator's level if it survives a crash of the server. */
function durable(synchronousCommit: string): string {
  return /^(local|remote_write|remote_apply)$/.test(synchronousCommit) ? synchronousCommit : "on";
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A session prepares a statement at this run, because a plan that is used a few times costs more than it saves. */
const PREPARE_AT_RUN = 5;

/** A session counts this many statements, so that those of many filters use no memory. */
const MAX_COUNTED = 200;

/** The statements that a session prepares, so that the server parses and plans each of them once. */
export class PreparedStatements {
  readonly #runs = new Map<string, number>();
  readonly #names = new Map<string, string>();
  #prepared = 0;

  /** Counts a run of a statement. Returns the name under which the session keeps the statement, if it does. */
  nameOf(sql: string): string | undefined {
    const name = this.#names.get(sql);
    if (name !== undefined) return name;
    const runs = this.#runs.get(sql) ?? 0;
    if (runs > 0 || this.#runs.size < MAX_COUNTED) this.#runs.set(sql, runs + 1);
    if (runs + 1 !== PREPARE_AT_RUN) return undefined;
    this.#prepared += 1;
    this.#names.set(sql, `s${this.#prepared}`);
    return this.#names.get(sql);
  }

  /** From now on the session runs the statement without a name. */
  forget(sql: string): void {
    this.#names.delete(sql);
  }
}
