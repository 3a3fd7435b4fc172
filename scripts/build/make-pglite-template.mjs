/**
 * Makes an empty PGlite database in the folder that it is given, for new data folders to be copied from. Takes
 * some ten seconds and half a gigabyte, which nobody should meet at a first start.
 */
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { PGlite } from "@electric-sql/pglite";

// As in src/database/pglite-database.ts: optimising this WebAssembly costs more than it gives.
setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");

const [, , target] = process.argv;
const pglite = await PGlite.create(target, {
  // Segments of the log are 16 MB otherwise, and there is always one.
  initDbStartParams: ["--wal-segsize=1"],
  startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=8MB", "-c", "min_wal_size=2MB"],
});
// Gives up the log of the making.
await pglite.exec("checkpoint");
await pglite.close();
// PGlite leaves a file that only its owner can read, and the gateway may run as another user than the build.
for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
  if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o644);
}
