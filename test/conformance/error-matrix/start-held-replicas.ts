import { expect } from "vitest";
import { createTestPostgres } from "../../support/open-test-database.ts";
import { type Gate, startGate } from "../../support/start-gate.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { whenOver } from "../../support/when-over.ts";
import { putUsers } from "../support/put-users.ts";

/** A gateway next to another one that is in the middle of a change of each user. */
export async function startHeldReplicas(users: readonly string[]): Promise<StartedGateway> {
  const env = { ...UNLIMITED.env, DATABASE_URL: await createTestPostgres() };
  const { promise: gateOpen, resolve: opened } = Promise.withResolvers<Gate>();
  const holder = await startGateway({
    ...UNLIMITED,
    env: { ...env, CAM_TIMEOUT_MS: "60000", CAM_DEADLINE_MS: "60000" },
    between: async (url) => {
      const started = await startGate(url);
      opened(started);
      return started.url;
    },
  });
  const gate = await gateOpen;
  const hasty = await startGateway({
    env: {
      ...env,
      CAM_TIMEOUT_MS: "2000",
      CAM_DEADLINE_MS: "4000",
      REPLICA: "hasty",
      CAM_ENDPOINT: gate.url,
    },
  });

  putUsers(holder.cam, users);
  const held = gate.hold("SetMfaFlag");
  const changes = users.map((opUin) =>
    holder.send(`mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { requestId } }`),
  );
  whenOver(async () => {
    held.release();
    await Promise.all(changes);
  });
  const pending = "{ mfaChanges(status: PENDING, first: 100) { nodes { id } } }";
  await expect
    .poll(async () => (await holder.send(pending)).data, { timeout: 20_000 })
    .toMatchObject({ mfaChanges: { nodes: { length: users.length } } });
  return { ...hasty, cam: holder.cam };
}
