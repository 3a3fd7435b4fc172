import { fileURLToPath } from "node:url";

/** A policy for server mode, which does not start without one. Only scopes decide. */
export const SOME_POLICY = {
  POLICY_FILE: fileURLToPath(new URL("allow-everything.yaml", import.meta.url)),
};
