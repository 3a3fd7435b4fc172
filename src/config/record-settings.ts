import { Secret, type SecretSource } from "../secret.ts";
import type { ConfigInput } from "./variables.ts";

/** PostgreSQL, or PGlite in a folder of this machine, which only local mode has. */
export type StoreSettings =
  | {
      readonly kind: "postgres";
      readonly url: SecretSource;
      /** The limit for changes, the quota and reads together. */
      readonly maxConnections: number;
    }
  | { readonly kind: "pglite"; readonly dataDir: string };

/** Returns where the record is kept. */
export function readStoreSettings({ vars, mode, problems }: ConfigInput): StoreSettings {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file, DATA_DIR: dataDir } = vars;
  const maxConnections = vars.DATABASE_MAX_CONNECTIONS;
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
  /** The previous key during a key change. */
  readonly previousKeyFile: string | undefined;
  /** The file in which the replica keeps the places that it signed. Undefined: in memory and in its log. */
  readonly anchorFile: string | undefined;
  readonly intervalMs: number;
}

/** The value of AUDIT_ANCHOR_FILE that means no file. For a file of that name, write `./log`. */
const LOG_ALONE = "log";

/** Returns undefined where no checkpoints are signed. */
export function readCheckpointSettings({ vars, problems }: ConfigInput): CheckpointSettings | undefined {
  const { AUDIT_SIGNING_KEY_FILE: signingKeyFile, AUDIT_ANCHOR_FILE: anchorFile } = vars;
  if (signingKeyFile === undefined) return undefined;
  if (anchorFile === undefined) {
    problems.push(
      "AUDIT_SIGNING_KEY_FILE needs AUDIT_ANCHOR_FILE: a file in which this replica keeps what it has signed, or log " +
        "to keep it only in the log.",
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
