import { sql } from "kysely";
import { loadConfig } from "../src/config/config.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import type { CamEmulator } from "../src/emulator/index.ts";
import { startCamEmulator } from "../src/emulator/index.ts";
import { createGateway } from "../src/gateway/create-gateway.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import { changePhone, seedUsers, serverEnv } from "./changes/change-load.ts";
import type { Bench } from "./support/bench.ts";
import { verdict } from "./support/rows.ts";

const CLIENTS = 8;
const NONE = { atMost: 0 };

/** The lost part of an exchange, and the expected number of writes at CAM. */
const SCENARIOS = [
  { fault: "cutAfter", title: "reply cut after CAM applied the change", writes: 1 },
  { fault: "cutBefore", title: "connection cut before CAM applied the change", writes: 2 },
] as const;

/** Compares each outcome after a lost reply with the emulator's journal and state. */
export const outcomes: Bench = {
  name: "outcomes",
  title: "changes whose first reply is lost, against the journal of the emulator",
  async run({ smoke, print }) {
    const count = smoke ? 8 : 500;
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const emulator = await startCamEmulator({
      ratePerSecond: 1_000,
      seed: seedUsers(count * SCENARIOS.length),
    });
    parts.defer(() => emulator.stop());
    const config = loadConfig(serverEnv(emulator.url, postgres.url), "local");
    const gateway = createGateway(config);
    await gateway.start();
    parts.defer(() => gateway.stop());
    const users = emulator.control.users().map(({ uin }) => uin);
    for (const scenario of SCENARIOS) {
      const own = users.splice(0, count);
      const { wrong, needless } = await runScenario(scenario, own, gateway.address.url, emulator);
      print(
        `${count} x ${scenario.title}: ${wrong} wrong verdicts ${verdict(wrong, NONE, smoke)}, ` +
          `${needless} needless second writes ${verdict(needless, NONE, smoke)}`,
      );
    }
    const store = await openPostgres({ url: postgres.url });
    const { rows } = await sql<{ status: string; n: string }>`
      select status, count(*) as n from mfa_change group by status`.execute(store.db);
    await store.close();
    print(`on record: ${rows.map(({ status, n }) => `${n} ${status}`).join(", ")}`);
  },
};

/** Each change has its own user: for a minute after a write, a read may show the old state. */
async function runScenario(
  { fault, writes }: (typeof SCENARIOS)[number],
  users: readonly string[],
  gatewayUrl: string,
  { control }: CamEmulator,
): Promise<{ wrong: number; needless: number }> {
  let [wrong, needless] = [0, 0];
  const waiting = [...users];
  const client = async (): Promise<void> => {
    for (let opUin = waiting.shift(); opUin !== undefined; opUin = waiting.shift()) {
      control.addFault({ kind: fault, action: "SetMfaFlag", opUin, times: 1 });
      const requestId = `${fault}-${opUin}`;
      const reply = await changePhone(gatewayUrl, { opUin, on: true, requestId });
      const made = control
        .journal({ action: "SetMfaFlag", opUin })
        .filter(({ traceId }) => traceId === requestId);
      if (reply.code !== undefined || control.user(opUin)?.loginFlag.Phone !== 1) wrong += 1;
      needless += Math.max(0, made.length - writes);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { wrong, needless };
}
