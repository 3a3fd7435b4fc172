import { describe, expect, test } from "vitest";
import { CLIENT_CERTIFICATE } from "../../src/auth/authenticator.ts";
import { parsePolicy } from "../../src/auth/policy/policy-file.ts";
import { requestedSwitches } from "../../src/changes/change-access.ts";
import type { MfaMethods } from "../../src/changes/mfa-change.ts";
import { policyOf } from "../auth/policy/policy-of.ts";
import { runCommand } from "../cli/run-command.ts";
import { startPolicyWorld } from "../http/policy/policy-world.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf } from "../support/start-change-service.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { fencedBlocks, readPages } from "./pages.ts";

const page = readPages("docs/iam/policy.md", "docs/iam/policy-rules.md", "docs/iam/policy-changes.md");
const blocks = fencedBlocks(page);
const texts = (language: string) =>
  blocks.filter((block) => block.language === language).map(({ text }) => text);
const [, twoCallers = "", day = ""] = texts("yaml");

/** Returns the rows of the table whose first column has the heading. A row is its cells. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, table = ""] = page.split(new RegExp(`^\\| ${heading} +\\|.*\\n\\|[ |-]+\\n`, "m"));
  const [rows = ""] = table.split("\n\n");
  return rows.split("\n").map((row) =>
    row
      .slice(2, -2)
      .split(" | ")
      .map((cell) => cell.trim()),
  );
}

/** Returns the texts in backquotes. */
const coded = (cell = ""): readonly string[] =>
  [...cell.matchAll(/`([^`]*)`/g)].map(([, text = ""]) => text.trim());

describe("the pages on the policy", () => {
  test("show policies that the gateway accepts", () => {
    expect(texts("yaml")).toHaveLength(7);
    for (const text of texts("yaml")) expect(policyOf(text).rules.length, text).toBeGreaterThan(0);
  });

  test("list the switches of a change as the gateway does", () => {
    const rows = rowsUnder("request");
    expect(rows).toHaveLength(3);
    for (const [asked, switches] of rows) {
      const json = `{${coded(asked)[0]}}`.replaceAll(/(\w+):/g, '"$1":');
      const { overwriteOtherMethods = false, ...methods } = JSON.parse(json) as {
        overwriteOtherMethods?: boolean;
        login?: MfaMethods;
        action?: MfaMethods;
      };
      expect(requestedSwitches(changeOf(ALICE, { ...methods, overwriteOtherMethods }))).toEqual(
        coded(switches),
      );
    }
  });

  test("name every part of a rule", () => {
    const parts = rowsUnder("part").map(([part]) => coded(part)[0]);
    const every = { callers: 1, users: 1, switches: 1, accounts: 1, hours: 1 };
    expect(parts.toSorted()).toEqual(Object.keys(every).toSorted());
    for (const part of parts) expect(day + texts("yaml").join("\n")).toContain(`${part}:`);
  });

  test("have the decision of each case as `policy explain` prints it", async () => {
    const file = await (await temporaryFolder()).write("policy.yaml", day);
    const rows = rowsUnder("client");
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      const [client = "", opUin = "", remark = "", wanted = "", at = ""] = row.map(
        (cell) => coded(cell)[0] ?? "",
      );
      const given = ["--caller", "li", "--client", client, "--op-uin", opUin, "--remark", remark];
      const { stdout } = await runCommand("policy explain", [
        "--policy",
        file,
        ...given,
        "--switch",
        wanted,
        "--at",
        at,
      ]);
      expect(stdout, row.join()).toContain(`${wanted}  ${row.at(-1)}\n`);
    }
  });

  test("show a policy for two callers that decides as the page describes", async () => {
    const file = await (await temporaryFolder()).write("policy.yaml", twoCallers);
    const decided = async (client: string, wanted: string) => {
      const given = ["--policy", file, "--caller", "li", "--client", client, "--op-uin", ALICE];
      const { stdout } = await runCommand("policy explain", [...given, "--switch", wanted]);
      return stdout.split("\n").find((line) => line.startsWith(wanted));
    };
    for (const client of ["portal", "help-desk"]) {
      expect(await decided(client, "login.phone.on")).toContain("allowed by the rule everybody-on");
    }
    expect(await decided("help-desk", "login.phone.off")).toContain(
      "allowed by the rule help-desk-off, if another caller approves within 30 minutes",
    );
    expect(await decided("portal", "login.phone.off")).toContain("refused: no rule allows it");
  });

  test("show the output of `policy explain` as it is printed", async () => {
    const folder = await temporaryFolder();
    const [shell = ""] = texts("sh");
    const [, words = ""] = /^npm run policy:explain -- (.*)$/m.exec(shell) ?? [];
    const args = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = ""]) => quoted ?? bare);
    const file = await folder.write("policy.yaml", day);
    const { code, stdout } = await runCommand(
      "policy explain",
      args.map((arg) => (arg === "policy.yaml" ? file : arg)),
    );
    expect(stdout).toBe(texts("text")[0]);
    expect(code).toBe(0);
  });

  test("show the problems of a wrong policy as the gateway reports them", () => {
    const wrong = `${day.replace("Asia/Shanghai", "Shanghai")}  - { id: off, effect: deny, user: {} }\n`;
    const parsed = parsePolicy(wrong);
    const problems = "problems" in parsed ? parsed.problems : [];
    const shown = texts("text")[1]?.trimEnd().split("\n");
    expect(problems.map((problem) => `POLICY_FILE policy.yaml: ${problem}.`)).toEqual(shown);
  });

  test("show a refusal as the gateway sends it", async () => {
    const { ask, cam } = await startPolicyWorld(day);
    cam.putUser({ uin: ALICE, remark: "#admin" });
    const { errors } = await ask(
      `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy } }`,
      {},
      "li",
    );
    const [{ message = "", extensions = {} } = {}] = errors;
    const { requestId, ...shown } = extensions;
    expect(requestId).toEqual(expect.any(String));
    expect({ message, extensions: shown }).toEqual(JSON.parse(texts("json")[0] ?? ""));
  });

  test("name the issuer of a caller with a client certificate", () => {
    expect(page).toContain(`the issuer \`${CLIENT_CERTIFICATE}\``);
  });
});
