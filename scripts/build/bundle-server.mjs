/**
 * Bundles the gateway and its packages: `node scripts/build/bundle-server.mjs <modules> <target>`. Code that a command
 * imports dynamically gets a chunk of its own, so that other commands do not load it.
 */
import { join } from "node:path";
import { rolldown } from "rolldown";

/**
 * PGlite reads files next to its code, and only a gateway with telemetry loads OpenTelemetry. The other two are optional
 * packages that the gateway does not install.
 */
const EXTERNAL = ["@electric-sql/pglite", /^@opentelemetry\//, "pg-native", "class-validator"];

const [, , modules, target] = process.argv;
const bundle = await rolldown({
  input: {
    main: join(modules, "main.js"),
    "containers/healthcheck": join(modules, "containers/healthcheck.js"),
  },
  platform: "node",
  external: EXTERNAL,
});
await bundle.write({
  dir: target,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name].js",
});
await bundle.close();
