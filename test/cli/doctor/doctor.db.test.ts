import { execFile } from "node:child_process";
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { AccountRegister } from "../../../src/audit/account-register.ts";
import { FAULTS } from "../../../src/cli/doctor/checkup.ts";
import type { Uin } from "../../../src/contract/index.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { type CamEmulator, startCamEmulator } from "../../../src/emulator/index.ts";
import { MIGRATIONS_DIR } from "../../../src/gateway/package-paths.ts";
import { callCam } from "../../emulator/call-cam.ts";
import { closedPort } from "../../support/closed-port.ts";
import { buildGateway, PROGRAM } from "../../support/gateway-process.ts";
import { keepSecret } from "../../support/leaks/written.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { ROOT } from "../../support/read-module.ts";
import { SOME_POLICY } from "../../support/server-env.ts";
import { LOCAL_KEY, type StartedGateway, startGateway } from "../../support/start-gateway.ts";
import { type StartedIssuer, startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { whenOver } from "../../support/when-over.ts";
import { runCommand } from "../run-command.ts";

type Environment = Readonly<Record<string, string>>;

interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly fault?: keyof typeof FAULTS;
  readonly details: readonly string[];
}

let issuer: StartedIssuer;
let emulator: CamEmulator;
let healthy: Environment;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  issuer = await startIssuer();
  emulator = await startCamEmulator({ randomSeed: 1 });
  whenOver(() => emulator.stop());
  folder = await temporaryFolder();
  healthy = {
    ...LOCAL_KEY,
    ...issuer.env,
    ...SOME_POLICY,
    CAM_ENDPOINT: emulator.url,
    DATABASE_URL: await createTestPostgres(),
  };
});

afterEach(() => emulator.control.reset());

/** Runs doctor with --json and returns its exit code and checks. */
async function checksOf(args: readonly string[], env: Environment) {
  const { code, stdout } = await runCommand("doctor", [...args, "--json"], env);
  const { command, exitCode, result } = JSON.parse(stdout);
  expect({ command, exitCode }).toEqual({ command: "doctor", exitCode: code });
  const groups = result.groups as readonly { readonly name: string; readonly checks: readonly Check[] }[];
  return { code, checks: groups.flatMap(({ checks }) => checks), summary: result.summary };
}

function faultsIn(checks: readonly Check[]) {
  return checks.flatMap(({ fault, details }) => (fault === undefined ? [] : [[fault, details.join("\n")]]));
}

test("a healthy configuration passes, and no user is touched", async () => {
  const { code, stdout, stderr } = await runCommand("doctor", [], healthy);
  expect(stdout).toMatch(/\n16 passed, 0 warned, 0 failed, 2 skipped\.\n$/);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("  ok       the key may call cam:SetMfaFlag\n");
  expect(stdout).toMatch(
    /CAM accepts the key\n {11}It belongs to qcs::cam:100000000001:uin\/100021969090\.\n/,
  );
  const written = emulator.control.journal().filter(({ action }) => action === "SetMfaFlag");
  expect(written.map(({ opUins, outcome }) => [opUins, outcome])).toEqual([
    [["1"], expect.stringMatching(/UserNotExist$/)],
  ]);
});

/** Each seeds one fault in a healthy world, and returns the variables that differ. */
const SEEDED: readonly (readonly [
  what: string,
  seed: () => Promise<Environment>,
  fault: keyof typeof FAULTS,
  details: RegExp,
])[] = [
  [
    "a wrong clock",
    async () => {
      emulator.control.setClock({ offsetMs: 600_000 });
      return {};
    },
    "clock.skew",
    /^It is (599|600|601) s behind CAM's clock\.$/,
  ],
  [
    "a wrong key",
    async () => ({ TENCENTCLOUD_SECRET_KEY: keepSecret("a wrong key", "AnotherSecretKey0123456789") }),
    "cam.key-refused",
    /^CAM answers sts:GetCallerIdentity with AuthFailure\.SignatureFailure \(request id \S+\)\.$/,
  ],
  [
    "one missing permission",
    async () => {
      emulator.control.addFault({
        kind: "camError",
        code: "UnauthorizedOperation",
        action: "DescribeSafeAuthFlagColl",
      });
      return {};
    },
    "cam.permission",
    /^CAM answers cam:DescribeSafeAuthFlagColl with UnauthorizedOperation/,
  ],
  [
    "no permission to write",
    async () => {
      emulator.control.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "SetMfaFlag" });
      return {};
    },
    "cam.permission",
    /^CAM answers cam:SetMfaFlag with UnauthorizedOperation/,
  ],
  [
    "no permission to list users for a scan",
    async () => {
      emulator.control.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "ListUsers" });
      return {};
    },
    "cam.permission",
    /^CAM answers cam:ListUsers with UnauthorizedOperation/,
  ],
  [
    "a key of another main account",
    async () => {
      const url = await createTestPostgres();
      const database = await openTestPostgres(url);
      await new AccountRegister(database, "a gateway").bind("default", "200000000001" as Uin);
      return { DATABASE_URL: url };
    },
    "account.elsewhere",
    /^default means 200000000001\. The key is of 100000000001\.$/,
  ],
  [
    "a database that is down",
    async () => ({ DATABASE_URL: `postgres://gateway:pw@127.0.0.1:${await closedPort()}/gateway` }),
    "database.unusable",
    /nothing listens there \(ECONNREFUSED\)/,
  ],
  [
    "a read-only database",
    async () => {
      const url = new URL(healthy["DATABASE_URL"] ?? "");
      url.searchParams.set("options", "-c default_transaction_read_only=on");
      return { DATABASE_URL: url.href };
    },
    "database.read-only",
    /^it is read-only \(25006\)/,
  ],
  [
    "an old schema",
    async () => {
      const url = await createTestPostgres({ empty: true });
      const old = join(folder.path, "old-migrations");
      const [newest = "", ...others] = (await readdir(MIGRATIONS_DIR)).sort().reverse();
      for (const file of others) await cp(join(MIGRATIONS_DIR, file), join(old, file));
      await migrate(await openTestPostgres(url), old);
      expect(newest).toMatch(/\.sql$/);
      return { DATABASE_URL: url };
    },
    "database.schema-old",
    /^It lacks \d{4}_\w+\.$/,
  ],
  [
    "an issuer that is down",
    async () => ({ AUTH_JWKS_URL: `http://127.0.0.1:${await closedPort()}/jwks` }),
    "issuer.unreachable",
    /ECONNREFUSED/,
  ],
  [
    "an account of the policy that is missing",
    async () => ({
      POLICY_FILE: await folder.write(
        "policy.yaml",
        "accounts:\n  partner:\n    callers: { clients: [x] }\nrules:\n  - { id: all, effect: allow }\n",
      ),
    }),
    "account.missing",
    /^The policy names partner\. Configured: default\.$/,
  ],
  [
    "a certificate that expires",
    async () => {
      const notAfterDate = new Date(Date.now() + 5.5 * 24 * 3_600_000);
      const pair = await generate([{ name: "commonName", value: "gateway" }], { notAfterDate });
      return {
        TLS_CERT_FILE: await folder.write("cert.pem", pair.cert),
        TLS_KEY_FILE: await folder.write("key.pem", pair.private),
      };
    },
    "certificate.expires",
    /cert\.pem is valid until \S+: 5 days are left\.$/,
  ],
];

describe("each seeded fault is named, and nothing else", () => {
  test.each(SEEDED)("%s", async (_what, seed, fault, details) => {
    const { code, checks } = await checksOf([], { ...healthy, ...(await seed()) });
    expect(faultsIn(checks)).toEqual([[fault, expect.stringMatching(details)]]);
    expect(code).toBe(1);
  });

  test("a quota that another program uses up", async () => {
    const crowded = await startCamEmulator({ randomSeed: 1, ratePerSecond: 1 });
    whenOver(() => crowded.stop());
    // The second of the other program's call does not end, so the result does not depend on speed.
    crowded.control.setClock({ frozen: true });
    expect(
      (await callCam(crowded, "DescribeSubAccounts", { FilterSubAccountUin: [1] })).Error,
    ).toBeUndefined();
    const { code, checks } = await checksOf([], { ...healthy, CAM_ENDPOINT: crowded.url });
    expect(code).toBe(1);
    // A slow run also sees the stopped clock.
    expect(faultsIn(checks).filter(([fault]) => fault !== "clock.skew")).toEqual([
      [
        "quota.used-by-others",
        expect.stringMatching(/^CAM answers cam:DescribeSubAccounts with RequestLimitExceeded/),
      ],
    ]);
  });

  test("a full disk, where the folder takes no file", async () => {
    await buildGateway();
    // The limit of the process on the size of files: a write beyond it fails as one to a full disk does.
    const command = `ulimit -f 1000; exec "${process.execPath}" "${PROGRAM}" doctor --local --json`;
    const env = { DATA_DIR: folder.at("data"), PATH: process.env["PATH"] };
    const stdout = await new Promise<string>((resolve) => {
      execFile("sh", ["-c", command], { env }, (_error, text) => resolve(text));
    });
    const { exitCode, result } = JSON.parse(stdout);
    expect(exitCode).toBe(1);
    const checks = result.groups.flatMap((group: { readonly checks: readonly Check[] }) => group.checks);
    expect(faultsIn(checks)).toEqual([
      ["disk.full", expect.stringMatching(/takes no file of 4 MB \(EFBIG\)\.$/)],
    ]);
    expect(checks).toContainEqual({
      name: "it accepts connections",
      state: "skipped",
      details: ["because this is not known: the data folder takes files"],
    });
  });
});

test("what cannot be asked is skipped and says so", async () => {
  const { code, checks } = await checksOf([], { ...healthy, PORT: "x", CAM_TYPO: "1" });
  expect(faultsIn(checks)).toEqual([
    [
      "config.invalid",
      expect.stringMatching(/^CAM_TYPO is not a variable.*\nPORT must be a whole number\.$/),
    ],
  ]);
  for (const { state, details } of checks.slice(1)) {
    expect({ state, details }).toEqual({
      state: "skipped",
      details: [expect.stringMatching(/^because this is not known: /)],
    });
  }
  expect(code).toBe(1);
});

test("local mode passes on a machine without anything, and writes nothing", async () => {
  const { path } = await temporaryFolder();
  const { code, checks } = await checksOf(["--local"], { DATA_DIR: join(path, "data") });
  expect(checks.filter(({ state }) => state === "failed")).toEqual([]);
  expect(code).toBe(0);
  expect(await readdir(path)).toEqual([]);
});

test("every fault has a fix and a page that exists, with the heading", async () => {
  for (const [id, { fix, docs }] of Object.entries<(typeof FAULTS)[keyof typeof FAULTS]>(FAULTS)) {
    expect(fix, id).toMatch(/^[A-Z].*\.$/);
    const page = await readFile(join(ROOT, docs.page), "utf8");
    if ("heading" in docs) expect(page.split("\n"), id).toContain(`## ${docs.heading}`);
  }
});

describe("doctor --url", () => {
  let gateway: StartedGateway;
  let login: Environment;

  beforeAll(async () => {
    gateway = await startGateway({ env: issuer.env, callers: "proved" });
    login = { GATEWAY_TOKEN: await issuer.sign() };
  });

  test("checks a running gateway", async () => {
    const { code, checks } = await checksOf(["--url", gateway.gateway.address.url], login);
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ["it answers", "ok"],
      ["its certificate is valid for a month", "skipped"],
      ["it is ready", "ok"],
      ["it accepts the login", "ok"],
    ]);
    expect(code).toBe(0);
  });

  test("names a login that the gateway rejects, and never prints it", async () => {
    const token = keepSecret("a rejected token", "eyJhbGciOiJub25lIn0.rejected-token");
    const { code, checks } = await checksOf(["--url", gateway.gateway.address.url], { GATEWAY_TOKEN: token });
    expect(faultsIn(checks)).toEqual([["gateway.login", expect.stringMatching(/^It answers /)]]);
    expect(code).toBe(1);
  });

  test("names a gateway that is down", async () => {
    const { code, checks } = await checksOf(["--url", `http://127.0.0.1:${await closedPort()}/graphql`], {});
    expect(faultsIn(checks)).toEqual([["gateway.unreachable", expect.stringMatching(/\(ECONNREFUSED\)$/)]]);
    expect(code).toBe(1);
  });
});
