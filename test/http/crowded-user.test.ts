import { expect, test } from "vitest";
import { type Gate, startGate } from "../support/start-gate.ts";
import { startWorld, usersFrom } from "./many-users-world.ts";

const BUSY = "CHANGE_IN_PROGRESS";
const PATIENT = { CAM_TIMEOUT_MS: "60000", CAM_DEADLINE_MS: "60000" };

test("a caller's changes of a user are refused immediately while five wait, and another caller's change is made", async () => {
  let gate: Gate | undefined;
  const between = async (url: string): Promise<string> => {
    gate = await startGate(url);
    return gate.url;
  };
  const { put, change } = await startWorld({ env: PATIENT, between });
  const [crowded = ""] = usersFrom(0, 1);
  put([crowded]);
  const held = gate?.hold("DescribeSafeAuthFlagColl");
  let made = 0;
  const { promise: allRefused, resolve } = Promise.withResolvers<void>();
  let refused = 0;
  const crowd = Array.from({ length: 30 }, async (_, at) => {
    const code = await change("mallory", crowded, "phone: true", `a change of its own: ${at}`);
    if (code === undefined) made += 1;
    if (code === BUSY) refused += 1;
    if (refused === 24) resolve();
  });
  await allRefused;
  const bobs = change("bob", crowded, "stoken: true");
  held?.release();
  expect(await bobs).toBeUndefined();
  await Promise.all(crowd);
  expect(made).toBe(6);
});
