import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { ALICE } from "../support/seed-users.ts";

const COMMAND = `"${process.execPath}" "${PROGRAM}"`;

beforeAll(buildGateway);

/** Runs a command line in a shell and returns its exit code and what it wrote. `$CAM_GATEWAY` is the program. */
function startShell(script: string, env: Readonly<Record<string, string>> = {}) {
  const command = script.replaceAll("$CAM_GATEWAY", COMMAND);
  const child = spawn("sh", ["-c", command], { env: { PATH: process.env["PATH"], ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]);
  return { child, ended: ended.then(([code, stdout, stderr]) => ({ code, stdout, stderr })) };
}

test("a reader that closes the pipe is no error", async () => {
  // The reader ends at once, before the program writes.
  const script = "{ $CAM_GATEWAY serve --help; echo $? >&2; } | true";
  expect(await startShell(script).ended).toEqual({ code: 0, stdout: "", stderr: "0\n" });
});

test("a closed standard output is no error", async () => {
  expect(await startShell("$CAM_GATEWAY --version >&-").ended).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("a full disk ends the command with 2 and one line", async () => {
  expect(await startShell("$CAM_GATEWAY check-config --local > /dev/full").ended).toEqual({
    code: 2,
    stdout: "",
    stderr: "Standard output cannot be written (ENOSPC).\n",
  });
});

test("the output has no colours, also if a variable asks for them", async () => {
  const { code, stdout, stderr } = await startShell("$CAM_GATEWAY check-config --local", { FORCE_COLOR: "3" })
    .ended;
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain("\u001b");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s during a change names the key to repeat with",
  async (signal) => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const server = createServer(() => arrive()).listen(0, "127.0.0.1");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    const words = `mfa set ${ALICE} login.phone.on --yes --idempotency-key key-3 --url ${url}`;
    const { child, ended } = startShell(`exec $CAM_GATEWAY ${words}`);
    await arrived;
    child.kill(signal);
    expect(await ended).toEqual({
      code: 2,
      stdout: "",
      stderr:
        `${url}: The command was interrupted. The change may have been made. To find out, repeat the command with ` +
        "--idempotency-key key-3.\n",
    });
  },
);
