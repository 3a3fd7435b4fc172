import { fileURLToPath } from "node:url";

/** Returns the path of a file in the package. The source and the build are equally deep below its root. */
const packageFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

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
export const PACKAGE_JSON = packageFile("package.json");
/** The commit of the build, which the build writes. */
export const COMMIT_FILE = packageFile("dist/commit.txt");
