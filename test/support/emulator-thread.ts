import { parentPort } from "node:worker_threads";
import { startCamEmulator } from "../../src/emulator/index.ts";

/** The body of the thread that start-emulator-thread.ts starts. */
const { url, controlUrl } = await startCamEmulator();
parentPort?.postMessage({ url, controlUrl });
