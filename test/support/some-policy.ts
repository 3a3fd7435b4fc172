import { fileURLToPath } from "node:url";

/** Without a policy server mode does not start. This one lets the scopes alone decide. */
export const SOME_POLICY = {
  POLICY_FILE: fileURLToPath(new URL("allow-everything.yaml", import.meta.url)),
};
