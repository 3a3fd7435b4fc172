import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { atOneMoment } from "../src/audit/read-record.ts";
import { verifyDatabase } from "../src/audit/verify-database.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { startCamEmulator } from "../src/emulator/index.ts";
import { SOME_POLICY } from "../test/support/server-env.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import { seedUsers, serverEnv } from "./changes/change-load.ts";
import { compareWithJournal, readSettledRecord } from "./changes/compare-record.ts";
import type { Bench } from "./support/bench.ts";
import { GATEWAY_MAIN } from "./support/build-gateway.ts";
import { AUDIENCE, createIssuer, ISSUER } from "./support/create-issuer.ts";
import { type Program, startBareProgram } from "./support/program.ts";
import { quantile } from "./support/rounds.ts";
import { verdict } from "./support/rows.ts";
import { Balancer } from "./upgrade/balancer.ts";
import { type Phase, SteadyLoad } from "./upgrade/steady-load.ts";

/** The release before the migrations from 0009 on. test/audit/previous-release.db.test.ts checks its SQL. */
const PREVIOUS = "4cafe49906b57a4431ffeeedc7ad98bdb009bb0d";
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const REQUESTS_PER_SECOND = 50;
const REPLICAS = 2;
/** Enough users that a change never finds the recent writes of its user. */
const USERS = 5_000;
const NONE = { atMost: 0 };
/** HAProxy checks each server every second and takes it out after two failures (deploy/compose/haproxy.cfg). */
const NOTICED_AFTER_MS = 2_000;

const run = promisify(execFile);

/** A release as the arguments of Node before its command, and the variables that only it knows. */
interface Release {
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Upgrades two replicas and rolls them back, under constant load. */
export const upgrade: Bench = {
  name: "upgrade",
  title: `a rolling upgrade from ${PREVIOUS.slice(0, 7)} and back, ${REPLICAS} replicas, ${REQUESTS_PER_SECOND} requests a second`,
  async run({ smoke, print }) {
    const [phaseMs, perSecond] = smoke ? [500, 5] : [8_000, REQUESTS_PER_SECOND];
    await using parts = new AsyncDisposableStack();
    const previous = await compilePrevious(parts);
    if (previous === undefined) {
      print(`skipped: this clone has no commit ${PREVIOUS.slice(0, 7)} (git fetch --unshallow)`);
      return;
    }
    const current: Release = {
      program: [GATEWAY_MAIN],
      env: { ADMIN_PORT: "0", DIRECTORY_SCAN_INTERVAL: "off" },
    };
    const postgres = await startPostgres(["fsync=on", "synchronous_commit=on"]);
    parts.defer(() => postgres.stop());
    const store = await openPostgres({ url: postgres.url });
    parts.defer(() => store.close());
    const emulator = await startCamEmulator({ ratePerSecond: 1_000, seed: seedUsers(USERS) });
    parts.defer(() => emulator.stop());
    const issuer = await createIssuer(parts);
    const env = {
      ...serverEnv(emulator.url, postgres.url),
      ...SOME_POLICY,
      AUTH_ISSUER: ISSUER,
      AUTH_JWKS_FILE: issuer.jwksFile,
      AUTH_AUDIENCE: AUDIENCE,
      BULK_GUARD_USERS: "0",
      // Several times the load. The previous release slows down with a higher limit, because it stores each call of a second.
      CAM_RATE_PER_SECOND: "100",
    };
    const start = async ({ program, env: own }: Release): Promise<Program> =>
      parts.use(
        await startBareProgram({
          args: [...program, "serve"],
          env: { ...env, ...own },
          ready: /GraphQL +(http:\S+)/,
        }),
      );
    const migrate = ({ program, env: own }: Release) =>
      run(process.execPath, [...program, "migrate"], { env: { PATH: process.env["PATH"], ...env, ...own } });

    await migrate(previous);
    const balancer = parts.use(new Balancer(smoke ? 100 : NOTICED_AFTER_MS));
    const inRotation: Program[] = [];
    const add = async (release: Release): Promise<void> => {
      const replica = await start(release);
      balancer.add(replica);
      inRotation.push(replica);
    };
    /** As Kubernetes does: starts a new replica before it stops the oldest one. */
    const replaceOne = async (release: Release): Promise<void> => {
      await add(release);
      const [oldest] = inRotation.splice(0, 1);
      if (oldest !== undefined) await balancer.stop(oldest);
    };
    for (let index = 0; index < REPLICAS; index++) await add(previous);

    const load = new SteadyLoad({
      balancer,
      perSecond,
      token: await issuer.sign("anna"),
      turnOf,
    });
    const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["two previous, their own schema", () => sleep(phaseMs)],
      ["two previous, migrations run", () => migrate(current)],
      ["two previous, the new schema", () => sleep(phaseMs)],
      ["the first one is replaced", () => replaceOne(current)],
      ["one previous, one current", () => sleep(phaseMs)],
      ["the second one is replaced", () => replaceOne(current)],
      ["two current", () => sleep(phaseMs)],
      ["rollback: both are replaced", () => replaceOne(previous).then(() => replaceOne(previous))],
      ["two previous again", () => sleep(phaseMs)],
    ];
    for (const [name, step] of smoke ? steps.slice(0, 5) : steps) {
      load.begin(name);
      await step();
    }
    await load.end();

    for (const phase of load.phases) print(describe(phase));
    const failures = load.phases.flatMap((phase) => [...phase.failures]);
    const failed = failures.reduce((sum, [, count]) => sum + count, 0);
    const internal = failures.reduce((sum, [code, count]) => sum + (code === "INTERNAL" ? count : 0), 0);
    print(`failed, with one retry after a refused connection: ${failed} ${verdict(failed, NONE, smoke)}`);
    print(`INTERNAL: ${internal} ${verdict(internal, NONE, smoke)}`);

    const records = await readSettledRecord(store.db);
    const { unrecorded, contradicted } = compareWithJournal(
      records,
      emulator.control.journal({ action: "SetMfaFlag" }),
    );
    const unresolved = records.filter(({ status }) => status !== "applied" && status !== "refused").length;
    const lost = unrecorded + contradicted + unresolved;
    print(`${records.length} changes on record; lost: ${lost} ${verdict(lost, NONE, smoke)}`);
    const { problem } = await atOneMoment(store.db, (db) => verifyDatabase(db, undefined));
    print(`the chains verify: ${problem === undefined ? "yes" : `no, ${problem.reason}`}`);
    print(`load average ${loadavg()[0]?.toFixed(1)}`);
  },
};

/** Compiles the previous release with this one's packages. Undefined in a clone without its commit. */
async function compilePrevious(parts: AsyncDisposableStack): Promise<Release | undefined> {
  const hasCommit = await run("git", ["cat-file", "-e", `${PREVIOUS}^{commit}`], { cwd: ROOT }).then(
    () => true,
    () => false,
  );
  if (!hasCommit) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const archive = join(folder, "release.tar");
  const files = ["src", "schema", "package.json", "tsconfig.json", "tsconfig.build.json"];
  await run("git", ["archive", "--output", archive, PREVIOUS, ...files], { cwd: ROOT });
  await run("tar", ["-xf", archive, "-C", folder]);
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", "tsconfig.build.json", "--noCheck"], { cwd: folder });
  return { program: [join(folder, "dist/main.js")], env: {} };
}

/** Changes one user after another. Every other request reads a user. */
function turnOf(number: number): { readonly body: string; readonly requestId: string } {
  const user = Math.floor(number / 2) % USERS;
  const opUin = String(Number(seedUsers(1).users[0]?.uin) + user);
  const query =
    number % 2 === 0
      ? `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy } }`
      : `{ subUser(opUin: "${opUin}") { mfa { login { phone } } } }`;
  return { body: JSON.stringify({ query }), requestId: `upgrade-${number}` };
}

function describe({ name, latenciesMs, retried, failures }: Phase): string {
  const [median, p99] = [0.5, 0.99].map((part) => quantile(latenciesMs, part).toFixed(0).padStart(4));
  const faults = failures.size === 0 ? "" : `  ${JSON.stringify(Object.fromEntries(failures))}`;
  return `${name.padEnd(32)} ${String(latenciesMs.length).padStart(5)} requests, ${String(retried).padStart(3)} retried, median ${median} ms, 99 % ${p99} ms${faults}`;
}
