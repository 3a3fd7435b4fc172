import { createTestPostgres } from "../../support/open-test-database.ts";
import { ALICE, BOB, CAROL, DAVE, ERIN } from "../../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../../support/start-gateway.ts";
import { whenOver } from "../../support/when-over.ts";

/** A gateway in a hurry, beside another that has every slot of the reads that a change begins with. */
export async function startBusyReplicas(): Promise<StartedGateway> {
  const env = { DATABASE_URL: await createTestPostgres(), CAM_RATE_PER_SECOND: "1" };
  const busy = await startGateway({ env: { ...env, CAM_DEADLINE_MS: "5000" } });
  const hasty = await startGateway({ env: { ...env, CAM_TIMEOUT_MS: "100", CAM_DEADLINE_MS: "100" } });
  const reads = [ALICE, BOB, CAROL, DAVE, ERIN].map((user) =>
    busy.send(`{ subUser(opUin: "${user}") { mfa { login { phone } } } }`),
  );
  whenOver(async () => void (await Promise.all(reads)));
  await Promise.any(reads);
  return hasty;
}
