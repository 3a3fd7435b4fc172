import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type CamGatewayClient, createCamGatewayClient, type MfaRollout } from "../src/client/index.ts";
import type { CamEmulator } from "../src/emulator/index.ts";
import type { Bench } from "./support/bench.ts";
import { EmulatedAccounts } from "./support/emulated-accounts.ts";
import { CALM, LIMIT } from "./support/rollout-world.ts";
import { verdict } from "./support/rows.ts";

const ACCOUNTS = 10;
/** The users of each account. */
const USERS = Number(process.env["USERS"] ?? 100);
/** For so long after a change, a read of CAM may be older than it. */
const CONSISTENCY_MS = 61_000;
const NONE = { atMost: 0 };
const reason = "bench";

/** What CAM says of a user's two protections, in a form to compare. */
type Flags = ReadonlyMap<string, string>;

/** Takes a rollout back after the gateway and others have changed some of its users again. */
export const rolloutUndo: Bench = {
  name: "rollout-undo",
  title: `undo a rollout in ${ACCOUNTS} accounts, a tenth of whose users changed since`,
  async run({ smoke, print }) {
    const users = smoke ? 10 : USERS;
    await using accounts = await EmulatedAccounts.open({ accounts: ACCOUNTS, users, ratePerSecond: LIMIT });
    varyUsers(accounts.emulators);
    const gateway = await accounts.startGateway({ ...CALM, BULK_GUARD_USERS: "0" });
    const client = createCamGatewayClient({ url: gateway.told });
    const before = flagsOf(accounts.emulators);

    const { id } = await client.planMfaRollout({
      ...{ name: "Both by SMS", reason, selection: {} },
      ...{ desired: { login: { phone: true }, action: { phone: true } }, maxFailures: { percent: 10 } },
    });
    const done = await run(client, id);

    // Every twentieth user by the gateway, and every twentieth by others, who leave no record.
    const byGateway: string[] = [];
    const byOthers: string[] = [];
    for (const [at, { control }] of accounts.emulators.entries()) {
      const uins = control.users().map(({ uin }) => uin);
      for (let user = at % 10; user < uins.length; user += 20) {
        const opUin = uins[user] as string;
        await client.setSubUserMfa({ account: accounts.names[at], opUin, login: { phone: false }, reason });
        byGateway.push(opUin);
      }
    }
    if (!smoke) await sleep(CONSISTENCY_MS);
    for (const [at, { control }] of accounts.emulators.entries()) {
      const uins = control.users().map(({ uin }) => uin);
      for (let user = 10 + (at % 10); user < uins.length && !smoke; user += 20) {
        control.putUser({ uin: uins[user] as string, actionFlag: { Wechat: 1 } });
        byOthers.push(uins[user] as string);
      }
    }
    const since = flagsOf(accounts.emulators);
    const undo = await client.planMfaRolloutUndo({ id, reason });
    const undone = await run(client, undo.id);
    const after = flagsOf(accounts.emulators);

    const changed = new Set([...byGateway, ...byOthers]);
    const listed = await changedSince(client, undo.id);
    const wrong = [...before.keys()].filter(
      (uin) => after.get(uin) !== (changed.has(uin) ? since : before).get(uin),
    );
    const unlisted = [...changed].filter((uin) => !listed.has(uin));
    const needless = [...listed].filter((uin) => !changed.has(uin));
    print(
      `${before.size} users: ${done.counts.applied} changed, ${byGateway.length} changed again by the gateway and ` +
        `${byOthers.length} by others, ${undone.counts.applied} taken back (load average ${loadavg()[0]?.toFixed(1)})`,
    );
    print(
      `  users with other flags than they should have: ${wrong.length}; ${verdict(wrong.length, NONE, smoke)}`,
    );
    print(
      `  users changed since and not listed: ${unlisted.length}; ${verdict(unlisted.length, NONE, smoke)}`,
    );
    print(`  other users listed: ${needless.length}; ${verdict(needless.length, NONE, smoke)}`);
  },
};

/** Gives users different protections to return to. */
function varyUsers(emulators: readonly CamEmulator[]): void {
  for (const { control } of emulators) {
    for (const [at, { uin }] of control.users().entries()) {
      const flag = (every: number) => (at % every === 0 ? 1 : 0);
      control.putUser({
        uin,
        loginFlag: { Stoken: flag(2) },
        actionFlag: { Phone: flag(3), Stoken: flag(5) },
      });
    }
  }
}

/** Starts a plan as soon as it is made, and returns the rollout once it is over. */
async function run(client: CamGatewayClient, id: string): Promise<MfaRollout> {
  for (;;) {
    const rollout = await client.mfaRollout({ id, first: 1 });
    if (rollout === null) throw new Error("The rollout is gone.");
    const { status, planHash, code, hint } = rollout;
    if (status === "DONE") return rollout;
    if (status === "PLANNED") await client.startMfaRollout({ id, planHash: planHash ?? "" });
    else if (status !== "PLANNING" && status !== "RUNNING") throw new Error(`${status} ${code} ${hint}`);
    await sleep(250);
  }
}

async function changedSince(client: CamGatewayClient, id: string): Promise<ReadonlySet<string>> {
  const uins = new Set<string>();
  for (let after: string | undefined; ; ) {
    const rollout = await client.mfaRollout({ id, filter: { states: ["CHANGED_SINCE"] }, first: 100, after });
    for (const { node } of rollout?.items.edges ?? []) uins.add(node.opUin);
    if (rollout?.items.pageInfo.hasNextPage !== true) return uins;
    after = rollout.items.pageInfo.endCursor ?? undefined;
  }
}

function flagsOf(emulators: readonly CamEmulator[]): Flags {
  const users = emulators.flatMap(({ control }) => control.users().map(({ uin }) => control.user(uin)));
  return new Map(
    users.flatMap((user) => (user ? [[user.uin, JSON.stringify([user.loginFlag, user.actionFlag])]] : [])),
  );
}
