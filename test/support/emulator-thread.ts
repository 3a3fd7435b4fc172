import { parentPort } from "node:worker_threads";
import { startCamEmulator } from "../../src/emulator/index.ts";

/** The body of the thread that test/quota/burst.test.ts starts. */
const { url, controlUrl } = await startCamEmulator();
parentPort?.postMessage({ url, controlUrl });
