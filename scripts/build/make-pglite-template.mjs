/**
 * Creates an empty PGlite database in the given folder, the template of new data folders. This takes about ten seconds
 * and half a gigabyte of memory, so it runs at build time and not at the first start.
 */
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { PGlite } from "@electric-sql/pglite";

// As in src/database/pglite-database.ts: optimising this WebAssembly costs more than it saves.
setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");

const [, , target] = process.argv;
const pglite = await PGlite.create(target, {
  // Segments of the log are 16 MB otherwise, and there is always one.
  initDbStartParams: ["--wal-segsize=1"],
  startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=8MB", "-c", "min_wal_size=2MB"],
});
// Discards the log of the creation.
await pglite.exec("checkpoint");
await pglite.close();
// PGlite creates a file that only its owner can read, and the gateway may run as another user than the build.
for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
  if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o644);
}
