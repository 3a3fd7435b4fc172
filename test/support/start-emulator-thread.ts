import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";
import type { ActionCounters } from "../../src/emulator/index.ts";

/**
 * An emulator with an event loop of its own, for tests of when calls arrive: like the real vendor it goes on
 * reading while the gateway's process is busy.
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
