import { createHash } from "node:crypto";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPolicy, type PolicyDescription, PolicyFile } from "../../../src/auth/policy/policy-file.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { whenOver } from "../../support/when-over.ts";

/** A policy with one rule, whose id identifies the policy. */
const withRule = (id: string) => `rules:\n  - id: ${id}\n    effect: deny\n`;

const TWO_PERSONS = "rules:\n  - id: two\n    effect: allow\n    approval: { expiresInMinutes: 60 }\n";

async function open(text: string, file?: string, terms = { approvals: true }) {
  const folder = await temporaryFolder();
  const path = file ?? (await folder.write("policy.yaml", text));
  const clock = new FakeClock();
  const inForce: PolicyDescription[] = [];
  const errors: unknown[] = [];
  const observer = {
    onPolicyInForce: (policy: PolicyDescription) => void inForce.push(policy),
    onPolicyError: (error: unknown) => void errors.push(error),
  };
  const policyFile = await PolicyFile.open(path, terms, observer, clock);
  whenOver(() => policyFile.close());
  return {
    ...{ folder, path, clock, inForce, errors, policyFile },
    rule: () => policyFile.current.rules[0]?.id,
    /** Runs the next check of the file until the file waits for the one after it. */
    async look() {
      await clock.advance(2_000);
      await expect.poll(() => clock.pendingTimers, { interval: 1 }).toBe(1);
    },
  };
}

test("a changed file comes into force after two equal reads, and its hash is reported", async () => {
  const { path, look, rule, inForce } = await open(withRule("old"));
  await writeFile(path, withRule("new"));
  expect(rule()).toBe("old");
  await look();
  expect(rule()).toBe("old");
  await look();
  expect(rule()).toBe("new");
  const sha256 = createHash("sha256").update(withRule("new")).digest("hex");
  expect(inForce).toMatchObject([
    { file: path, rules: 1 },
    { file: path, rules: 1, sha256 },
  ]);
  await look();
  expect(inForce).toHaveLength(2);
});

test("a half-written file never comes into force, even if it is a valid policy", async () => {
  const { path, look, rule } = await open(withRule("old"));
  const whole = `${withRule("new")}    callers: { subjects: [wang] }\n`;
  const half = withRule("new");
  await writeFile(path, half);
  await look();
  await writeFile(path, whole);
  await look();
  expect(rule()).toBe("old");
  await look();
  expect(rule()).toBe("new");
});

test("an invalid file leaves the old policy in force, and is reported once", async () => {
  const { path, look, rule, errors, inForce } = await open(withRule("old"));
  await writeFile(path, "rules: {}");
  for (let looks = 0; looks < 4; looks++) await look();
  expect(rule()).toBe("old");
  expect(errors).toMatchObject([
    { name: "AuthFileError", problems: [`POLICY_FILE ${path}: rules must be a list of rules.`] },
  ]);
  await writeFile(path, withRule("new"));
  await look();
  await look();
  expect(rule()).toBe("new");
  expect([errors.length, inForce.length]).toEqual([1, 2]);
});

test("a deleted file leaves the old policy in force until a new file exists", async () => {
  const { path, look, rule, errors } = await open(withRule("old"));
  await rm(path);
  for (let looks = 0; looks < 3; looks++) await look();
  expect(rule()).toBe("old");
  expect(errors).toMatchObject([{ problems: [`POLICY_FILE ${path} cannot be read (ENOENT).`] }]);
  await writeFile(path, withRule("new"));
  await look();
  await look();
  expect(rule()).toBe("new");
});

test("a replaced file is noticed, also if its folder is replaced as Kubernetes does", async () => {
  const folder = await temporaryFolder();
  for (const id of ["old", "new"]) {
    await mkdir(folder.at(id));
    await writeFile(join(folder.at(id), "policy.yaml"), withRule(id));
  }
  await symlink("old", folder.at("data"));
  const { look, rule } = await open("", join(folder.at("data"), "policy.yaml"));
  await symlink("new", folder.at("data.next"));
  await rename(folder.at("data.next"), folder.at("data"));
  await look();
  await look();
  expect(rule()).toBe("new");
  await rename(await folder.write("next.yaml", withRule("newer")), join(folder.at("new"), "policy.yaml"));
  await look();
  await look();
  expect(rule()).toBe("newer");
});

test("a closed policy file sets no timer", async () => {
  const { policyFile, clock } = await open(withRule("old"));
  await policyFile.close();
  expect(clock.pendingTimers).toBe(0);
});

test("an invalid file at the start is an error with all its problems", async () => {
  const { folder } = await open(withRule("old"));
  const file = await folder.write("bad.json", '{"rules":[{"id":"a","effect":"x"},{"id":"b"}]}');
  await expect(loadPolicy(file)).rejects.toMatchObject({
    name: "AuthFileError",
    problems: [
      `POLICY_FILE ${file}: rule a: effect must be allow or deny.`,
      `POLICY_FILE ${file}: rule b: effect must be allow or deny.`,
    ],
  });
  await expect(loadPolicy(folder.at("none"))).rejects.toMatchObject({
    problems: [`POLICY_FILE ${folder.at("none")} cannot be read (ENOENT).`],
  });
});

test("a rule with approval is rejected if requests cannot be sealed, also in a changed file", async () => {
  const terms = { approvals: false };
  const { path, look, rule, errors, folder } = await open(withRule("old"), undefined, terms);
  await writeFile(path, TWO_PERSONS);
  await look();
  await look();
  expect(rule()).toBe("old");
  const problem = `POLICY_FILE ${path}: the rule two requires approval, which needs AUDIT_SIGNING_KEY_FILE in server mode.`;
  expect(errors).toEqual([expect.objectContaining({ problems: [problem] })]);
  await expect(open(TWO_PERSONS, undefined, terms)).rejects.toMatchObject({ name: "AuthFileError" });
  expect((await loadPolicy(await folder.write("two.yaml", TWO_PERSONS))).rules).toHaveLength(1);
});
