import { Secret, type SecretSource } from "../secret.ts";
import type { Variables } from "./variables.ts";

/** PostgreSQL, or PGlite in a folder of this machine, which only local mode has. */
export type StoreTarget =
  | {
      readonly kind: "postgres";
      readonly url: SecretSource;
      /** At most, for changes, the quota and reads together. */
      readonly maxConnections: number;
    }
  | { readonly kind: "pglite"; readonly dataDir: string };

/** Where the record is kept. Adds to `problems` what is wrong. */
export function storeTarget(vars: Variables, mode: "local" | "server", problems: string[]): StoreTarget {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file, DATA_DIR: dataDir } = vars;
  const maxConnections = vars.DATABASE_MAX_CONNECTIONS;
  if (url !== undefined && file !== undefined)
    problems.push("Set only one of DATABASE_URL and DATABASE_URL_FILE.");
  if (dataDir !== undefined && (url !== undefined || file !== undefined)) {
    problems.push("DATA_DIR is the folder of the built-in database; it has no meaning with DATABASE_URL.");
  }
  if (url !== undefined && !/^postgres(ql)?:\/\//.test(url)) {
    problems.push(
      "DATABASE_URL must begin with postgres://, for example postgres://user:password@host:5432/database.",
    );
  }
  if (file !== undefined) return { kind: "postgres", url: { file }, maxConnections };
  if (url !== undefined) return { kind: "postgres", url: { value: new Secret(url) }, maxConnections };
  if (mode === "server") {
    problems.push(
      "DATABASE_URL (or DATABASE_URL_FILE) is not set; server mode keeps its record of changes in PostgreSQL.",
    );
  }
  return { kind: "pglite", dataDir: dataDir ?? ".data" };
}

/** How checkpoints of the record are signed. */
export interface CheckpointSettings {
  readonly signingKeyFile: string;
  /** The key before it, while keys are changed. */
  readonly previousKeyFile: string | undefined;
  /** Where the replica keeps what it has signed; undefined for its memory and its log alone. */
  readonly anchorFile: string | undefined;
  readonly intervalMs: number;
}

/** The value of AUDIT_ANCHOR_FILE that asks for no file. A file of that name is `./log`. */
const LOG_ALONE = "log";

/** Undefined where no checkpoints are signed. Adds to `problems` what is wrong. */
export function checkpointSettings(vars: Variables, problems: string[]): CheckpointSettings | undefined {
  const { AUDIT_SIGNING_KEY_FILE: signingKeyFile, AUDIT_ANCHOR_FILE: anchorFile } = vars;
  if (signingKeyFile === undefined) {
    for (const name of ["AUDIT_ANCHOR_FILE", "AUDIT_PREVIOUS_KEY_FILE"] as const) {
      if (vars[name] !== undefined) problems.push(`${name} has no meaning without AUDIT_SIGNING_KEY_FILE.`);
    }
    return undefined;
  }
  if (anchorFile === undefined) {
    problems.push(
      "AUDIT_SIGNING_KEY_FILE needs AUDIT_ANCHOR_FILE: a file where this replica keeps what it has signed, or log " +
        "for its log alone.",
    );
  }
  if (anchorFile === LOG_ALONE && !["info", "debug", "trace"].includes(vars.LOG_LEVEL)) {
    problems.push(
      `AUDIT_ANCHOR_FILE=log needs LOG_LEVEL info, debug or trace: at ${vars.LOG_LEVEL} the log has no signed places.`,
    );
  }
  return {
    signingKeyFile,
    previousKeyFile: vars.AUDIT_PREVIOUS_KEY_FILE,
    anchorFile: anchorFile === LOG_ALONE ? undefined : anchorFile,
    intervalMs: vars.AUDIT_CHECKPOINT_INTERVAL_S * 1_000,
  };
}
