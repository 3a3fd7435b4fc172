import type { TransactionSettings } from "kysely";

/** What one lane's units of work may take. Milliseconds; 0 for any time. */
export interface UnitLimits {
  readonly statementMs: number;
  readonly lockMs: number;
  /** Between two statements of one transaction. */
  readonly idleMs: number;
  /** Rejects writes, and works on a standby. */
  readonly readOnly: boolean;
}

/** What the server says of itself when the gateway opens it. */
export interface ServerFacts {
  /** `server_version_num`: 150004 is 15.4. */
  readonly version: number;
  /** The schema that has, or will have, the gateway's tables. */
  readonly schema: string;
  readonly synchronousCommit: string;
}

/** The first release that has `transaction_timeout`. */
const HAS_TRANSACTION_TIMEOUT = 170_000;

/**
 * Settings that a role, a database or a pooler's earlier client can preset and that decide what a statement means or
 * how the driver reads its result.
 */
const MEANINGS: Readonly<Record<string, string>> = {
  DateStyle: "'ISO, MDY'",
  IntervalStyle: "postgres",
  TimeZone: "'UTC'",
  bytea_output: "hex",
  // With 0 a slot's time comes back rounded, and its correction finds no slot.
  extra_float_digits: "1",
  array_nulls: "on",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
};

/**
 * Returns the statements that open a unit of work, as one text. The session itself keeps nothing of them, so that a
 * pooler may give each unit another session.
 */
export function openingOf(facts: ServerFacts, limits: UnitLimits): (unit?: TransactionSettings) => string {
  const settings: Readonly<Record<string, string>> = {
    // Temporary tables of another client in a pooled session come last, and shadow nothing.
    search_path: `${quoteIdentifier(facts.schema)}, pg_temp`,
    statement_timeout: String(limits.statementMs),
    lock_timeout: String(limits.lockMs),
    idle_in_transaction_session_timeout: String(limits.idleMs),
    ...(facts.version < HAS_TRANSACTION_TIMEOUT ? {} : { transaction_timeout: "0" }),
    ...MEANINGS,
    // With `off` a crash of the server could lose an intent that CAM has heard of.
    ...(limits.readOnly ? {} : { synchronous_commit: durable(facts.synchronousCommit) }),
  };
  const set = Object.entries(settings).map(([name, value]) => `; set local ${name} = ${value}`);
  return ({ isolationLevel = "read committed", accessMode } = {}) => {
    // Without one, an operator's default_transaction_read_only holds.
    const access = limits.readOnly ? "read only" : accessMode;
    return `begin isolation level ${isolationLevel}${access ? ` ${access}` : ""} not deferrable${set.join("")}`;
  };
}

/** A level that outlives a crash of the server stays as the operator has set it. */
function durable(synchronousCommit: string): string {
  return /^(local|remote_write|remote_apply)$/.test(synchronousCommit) ? synchronousCommit : "on";
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
