/**
 * Prints the files of dist/modules/ that each `setSubUserMfa` in local mode enters, as a JSON array: files with a function
 * that V8's precise coverage counts during the request. Runs as its own process on modules, so that no test tool adds
 * calls and no bundle hides a file.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compiled } from "./compiled.ts";

const MODULES = new URL("../../dist/modules/", import.meta.url);

const { loadConfig } = await compiled<typeof import("../../src/config/config.ts")>("config/config.js");
const { createGateway } =
  await compiled<typeof import("../../src/gateway/create-gateway.ts")>("gateway/create-gateway.js");
const { systemClock } = await compiled<typeof import("../../src/clock.ts")>("clock.js");

const dataDir = await mkdtemp(join(tmpdir(), "entered-files-"));
// A scan would enter files of its own.
const env = { PORT: "0", LOG_LEVEL: "silent", DATA_DIR: dataDir, DIRECTORY_SCAN_INTERVAL: "off" };
const LATER_MS = 2 ** 31 - 1;
/** How long write-behind.ts gathers what reads show. */
const GATHER_MS = 250;
// Pollers look once, and the directory writes nothing, until the gateway stops, so that only the request runs.
const clock = {
  ...systemClock,
  after: (ms: number, run: () => void) => systemClock.after(ms === GATHER_MS ? LATER_MS : ms, run),
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms < 500 ? ms : LATER_MS, signal),
};
const gateway = createGateway(loadConfig(env, "local"), { clock });
await gateway.start();
const { url: endpoint } = gateway.address;
const session = new Session();
session.connect();
try {
  // The first change also waits for start-up work: CAM reports the owner of the key.
  await change("100021969093");
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  // On a busy machine, a call may fail and be repeated, which enters other files.
  let entered = await enteredBy("100021969091");
  for (const opUin of ["100021969096", "100021969098"]) {
    const again = await enteredBy(opUin);
    entered = entered.filter((file) => again.includes(file));
  }
  process.stdout.write(`${JSON.stringify(entered.sort())}\n`);
} finally {
  session.disconnect();
  await gateway.stop();
  await rm(dataDir, { recursive: true });
}

/** Returns the files that a change of a user enters. */
async function enteredBy(opUin: string): Promise<string[]> {
  // Resets the counts.
  await session.post("Profiler.takePreciseCoverage");
  await change(opUin);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const root = fileURLToPath(MODULES);
  const files = result
    .filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
    .filter(({ url }) => url.startsWith(MODULES.href))
    .map(({ url }) => fileURLToPath(url).slice(root.length).replace(/\.js$/, ".ts"));
  return files.filter((file) => !file.startsWith("emulator/"));
}

async function change(opUin: string): Promise<void> {
  const query = `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { requestId resolvedBy } }`;
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const text = await response.text();
  if (!text.includes('"resolvedBy":"REPLY"')) throw new Error(`The change failed: ${text}`);
}
