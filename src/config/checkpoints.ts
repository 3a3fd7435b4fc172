import type { Variables } from "./variables.ts";

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
