import { fileURLToPath } from "node:url";

/** Files that ship beside the code. Source and build stand equally deep below the package root. */
const packageFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const EXAMPLES_DIR = packageFile("schema/examples");
export const FEDERATED_EXAMPLES_DIR = packageFile("schema/examples/federated");
export const PLAYGROUND_ASSETS_DIR = packageFile("dist/playground");
export const MIGRATIONS_DIR = packageFile("schema/migrations");
/** A database as PGlite makes it. The build leaves it there. */
export const PGLITE_TEMPLATE_DIR = packageFile("dist/pglite-template");
