import { expect, vi } from "vitest";
import type { Reply } from "./start-gateway.ts";

/** Scans an account as a caller would, and waits for the end. */
export async function scanDirectory(
  ask: (query: string) => Promise<Pick<Reply, "data" | "errors">>,
  account = "default",
): Promise<void> {
  const { errors } = await ask(`mutation { scanDirectory(account: "${account}") { status } }`);
  expect(errors).toEqual([]);
  await vi.waitFor(
    async () => {
      const { data } = await ask(`{ directoryScans(accounts: ["${account}"]) { status failedUsers } }`);
      expect(data).toEqual({ directoryScans: [{ status: "DONE", failedUsers: 0 }] });
    },
    { timeout: 60_000, interval: 250 },
  );
}
