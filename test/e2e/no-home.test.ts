import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildGateway, type Ended } from "../support/gateway-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = join(import.meta.dirname, "../..");

/** A user without an entry in /etc/passwd, as on some container platforms. Only root can become another user. */
const UID = 12_345;
const isRoot = process.getuid?.() === 0;

/** Runs a program of dist/ as that user until it exits, without HOME and in a folder that all users may write to. */
async function runAsStranger(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { path: cwd } = await temporaryFolder();
  await chmod(cwd, 0o777);
  const [program = "", ...rest] = args;
  const options = { cwd, env: { ...env }, uid: UID, gid: UID, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "dist", program), ...rest], options, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe.runIf(isRoot)("a user without a home folder and without an entry in /etc/passwd", () => {
  beforeAll(buildGateway);

  test.each([["serve"], ["migrate"]])("gets help from %s", async (command) => {
    expect(await runAsStranger(["main.js", command, "--help"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Usage: /),
      stderr: "",
    });
  });

  test("gets all mistakes of a configuration, and the only place of a profile", async () => {
    const env = { TENCENTCLOUD_PROFILE: "ops", CAM_ENDPOINT: "https://cam.tencentcloudapi.com", PORT: "x" };
    const { exitCode, stderr } = await runAsStranger(["main.js", "check-config", "--local"], env);
    expect(exitCode).toBe(78);
    expect(stderr).toMatch(/- PORT must be a whole number/);
    expect(stderr).toMatch(/no such file: \/etc\/tencentcloud\/credentials\./);
  });

  test("creates the built-in database from the build's template", async () => {
    const { exitCode, stdout, stderr } = await runAsStranger(["main.js", "migrate"], {
      DATA_DIR: "data",
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).not.toBe("");
  });
});
