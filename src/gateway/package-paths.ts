import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";

export const PACKAGE_JSON = findPackageJSON(import.meta.url) ?? "";

/** Returns the path of a file in the package. The source, its modules and the bundle lie at different depths in it. */
const packageFile = (path: string): string => join(dirname(PACKAGE_JSON), path);

export const EXAMPLES_DIR = packageFile("schema/examples");
export const FEDERATED_EXAMPLES_DIR = packageFile("schema/examples/federated");
export const PLAYGROUND_ASSETS_DIR = packageFile("dist/playground");
export const CONSOLE_ASSETS_DIR = packageFile("dist/console");
export const MIGRATIONS_DIR = packageFile("schema/migrations");
/** The rights of the gateway's database role. */
export const GRANTS_FILE = packageFile("schema/grants.sql");
/** A PGlite database with every migration and no data, which the build creates. */
export const PGLITE_TEMPLATE_DIR = packageFile("dist/pglite-template");
export const SUBGRAPH_SDL = packageFile("schema/subgraph.graphql");
/** The commit of the build, which the build writes. */
export const COMMIT_FILE = packageFile("dist/commit.txt");
