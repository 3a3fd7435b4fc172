import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { SWITCHES } from "../../src/auth/policy/policy.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { ALICE, GRACE } from "../support/seed-users.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

const EXAMPLE = "schema/policy.example.yaml";
const BY_DAY = "2026-11-24T10:30:00+08:00";
const AT_NIGHT = "2026-11-24T20:30:00+08:00";
const PLAIN = ["--name", "alice", "--remark", "", "--at", BY_DAY];

const explain = (args: readonly string[], env: Record<string, string> = { POLICY_FILE: EXAMPLE }) =>
  runCommand("policy explain", args, env);
const of = (client: string, opUin = ALICE) => ["--caller", "wang", "--client", client, "--op-uin", opUin];

/** Returns the verdicts by switch. */
function verdictsIn(stdout: string): Record<string, string> {
  return Object.fromEntries(
    [...stdout.matchAll(/^((?:login|action)\.\S+) +(.*)$/gm)].map(([, name = "", verdict = ""]) => [
      name,
      verdict,
    ]),
  );
}

describe("policy explain", () => {
  test("names the rule that decides each switch, and exits with 1 if one is refused", async () => {
    const { code, stdout } = await explain([...of("portal"), ...PLAIN]);
    const verdicts = verdictsIn(stdout);
    expect(Object.keys(verdicts)).toEqual(SWITCHES);
    expect(verdicts).toMatchObject({
      "login.phone.on": "allowed by the rule on",
      "action.stoken.off": "refused: no rule allows it",
      "login.other.off": "refused by the rule keep-other-methods",
    });
    expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([1, "A part of it is refused."]);
  });

  test("reports a refusal if no part is allowed", async () => {
    const endOf = async (args: readonly string[]) =>
      (await explain([...of("portal"), ...PLAIN, ...args])).stdout.trimEnd().split("\n").at(-1);
    expect(await endOf(["--switch", "*.off"])).toBe("Refused.");
    expect(await endOf(["--account", "production-cn"])).toBe("Refused.");
    expect(await endOf(["--op-uin", GRACE])).toBe("Refused.");
    expect(await endOf(["--op-uin", GRACE, "--override"])).toBe("A part of it is refused.");
  });

  test("exits with 0 if every switch is allowed, and names the rules that do not match", async () => {
    const { code, stdout } = await explain([...of("help-desk"), ...PLAIN, "--switch", "login.phone.off"]);
    expect(stdout).toContain(
      [
        "login.phone.off  allowed by the rule off-by-day",
        "  not keep-other-methods: other switches",
        "  not administrators: other callers",
        "  not administrators-else: other users",
        "  not on: other switches",
        "",
      ].join("\n"),
    );
    expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "Allowed."]);
  });

  test("reports that another caller must approve", async () => {
    const night = [...of("help-desk"), ...PLAIN.slice(0, 4), "--at", AT_NIGHT, "--switch", "*.phone.*"];
    const { code, stdout } = await explain(night);
    expect(verdictsIn(stdout)).toEqual({
      "login.phone.on": "allowed by the rule on",
      "login.phone.off": "allowed by the rule off-at-night, if another caller approves within 15 minutes",
      "action.phone.on": "allowed by the rule on",
      "action.phone.off": "allowed by the rule off-at-night, if another caller approves within 15 minutes",
    });
    expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([
      0,
      "Allowed, once another caller approves.",
    ]);
  });

  test.each([
    ["neither", [], "name and remark", "--name and --remark"],
    ["the name", ["--name", "alice"], "remark", "--remark"],
    ["the remark", ["--remark", ""], "name", "--name"],
  ])("given %s, names the missing options if a rule needs both", async (_what, more, missing, flags) => {
    const { code, stdout } = await explain([...of("portal"), ...more, "--switch", "login.phone.on"]);
    expect(verdictsIn(stdout)).toEqual({
      "login.phone.on": `unknown: the rule administrators-else depends on the user's ${missing}`,
    });
    expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([78, `Unknown: give ${flags}, as in CAM.`]);
  });

  test("needs no remark if the name decides", async () => {
    const { code, stdout } = await explain([
      ...of("portal"),
      "--name",
      "admin-li",
      "--switch",
      "login.phone.on",
    ]);
    expect(verdictsIn(stdout)["login.phone.on"]).toBe("refused by the rule administrators-else");
    expect(code).toBe(1);
  });

  test("reports whether the user is protected, and the requirements for a change", async () => {
    const grace = [...of("portal", GRACE), ...PLAIN, "--switch", "login.phone.on"];
    const without = await explain(grace);
    expect(without.stdout).toContain(
      "The user is protected (protectedUsers): a change needs the scope cam.mfa:override",
    );
    expect(without.code).toBe(1);
    const overriding = await explain([...grace, "--override"]);
    expect(overriding.stdout).toContain("which the caller overrides");
    expect(overriding.code).toBe(0);
    expect((await explain([...of("portal"), ...PLAIN])).stdout).toContain("The user is not protected");
  });

  test("reports whether the caller may use the account", async () => {
    const asked = [...of("portal"), ...PLAIN, "--switch", "login.phone.on", "--account", "production-cn"];
    const refused = await explain(asked);
    expect(refused.stdout).toContain("The caller may not use the account production-cn (accounts).");
    expect(refused.code).toBe(1);
    expect((await explain([...asked, "--issuer", "https://login.example.com/"])).code).toBe(0);
  });

  test("names the checks that it omits", async () => {
    const { stdout } = await explain([...of("portal"), ...PLAIN]);
    expect(stdout).toContain("This does not check in CAM whether");
    expect(stdout).toContain("This does not check scopes");
  });

  test("decides for the current time by default", async () => {
    const { stdout } = await explain(of("portal"));
    const [, at = ""] = /^at +(\S+)$/m.exec(stdout) ?? [];
    expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
  });
});

test.each<[what: string, args: readonly string[], env: Record<string, string>, stderr: string]>([
  ["no policy", of("portal"), {}, "Give --policy FILE, or set POLICY_FILE."],
  [
    "no caller",
    ["--op-uin", ALICE],
    { POLICY_FILE: EXAMPLE },
    "Required option '--caller <subject>' not specified. Try --help.",
  ],
  [
    "no user",
    ["--caller", "wang"],
    { POLICY_FILE: EXAMPLE },
    "Required option '--op-uin <uin>' not specified. Try --help.",
  ],
  ["no Uin", of("portal", "alice"), { POLICY_FILE: EXAMPLE }, '"alice" is not a Uin'],
  [
    "a time without a zone",
    [...of("portal"), "--at", "2026-11-24T10:30"],
    { POLICY_FILE: EXAMPLE },
    "Give a time with its zone",
  ],
  [
    "an invalid time",
    [...of("portal"), "--at", "2026-13-24T10:30Z"],
    { POLICY_FILE: EXAMPLE },
    "Give a time with its zone",
  ],
  [
    "an unknown switch",
    [...of("portal"), "--switch", "sms"],
    { POLICY_FILE: EXAMPLE },
    "Give one of login.phone.on",
  ],
  [
    "an unknown flag",
    [...of("portal"), "--user", "x"],
    { POLICY_FILE: EXAMPLE },
    "Unknown option '--user' (Did you mean --issuer?). Try --help.",
  ],
  ["an extra argument", [...of("portal"), "x"], { POLICY_FILE: EXAMPLE }, "Too many arguments for 'explain'"],
  [
    "a missing file",
    [...of("portal"), "--policy", "/nowhere"],
    {},
    "POLICY_FILE /nowhere cannot be read (ENOENT).",
  ],
])("with %s it exits with 78 and explains the mistake", async (_what, args, env, message) => {
  const { code, stdout, stderr } = await explain(args, env);
  expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
  expect(stderr).toContain(message);
});

test("every mistake of the policy is reported", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("policy.yaml", "rules: [{ id: a, effect: x }, { id: b, effect: y }]");
  const { code, stderr } = await explain([...of("portal"), "--policy", file]);
  expect(code).toBe(78);
  expect(stderr.match(/rule [ab]: effect must be allow or deny/g)).toHaveLength(2);
});

test("--help describes the command", async () => {
  const { code, stdout } = await explain(["--help"], {});
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: cam-gateway policy explain/);
});

test("npx cam-gateway policy explain exits with its code", async () => {
  await buildGateway();
  const args = [PROGRAM, "policy", "explain", ...of("portal"), ...PLAIN, "--switch", "login.phone.off"];
  const run = promisify(execFile)(process.execPath, args, { env: { POLICY_FILE: EXAMPLE } });
  await expect(run).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("Refused.") });
});
