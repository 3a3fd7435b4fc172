import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";
import type { ActionCounters } from "../../src/emulator/index.ts";

/**
 * Starts an emulator in its own thread, for tests of arrival times: like the vendor it reads while the gateway is busy.
 */
export async function startEmulatorThread() {
  const thread = new Worker(new URL("./emulator-thread.ts", import.meta.url));
  onTestFinished(async () => {
    await thread.terminate();
  });
  const [{ url, controlUrl }] = (await once(thread, "message")) as [{ url: string; controlUrl: string }];
  const counters = async (): Promise<Record<string, ActionCounters>> => {
    const answer = await fetch(`${controlUrl}/counters`);
    return (await answer.json()) as Record<string, ActionCounters>;
  };
  return { url, counters };
}
