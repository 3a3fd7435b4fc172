import type { SecretSource } from "../secret.ts";
import { Secret } from "../secret.ts";
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
