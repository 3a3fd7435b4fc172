import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { EX_SOFTWARE } from "../../src/cli/end-on-crash.ts";
import { closedPort } from "../support/closed-port.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(buildGateway);

/** Crashes the program when it gets SIGUSR2. */
const CRASH = "process.on('SIGUSR2', () => { throw new Error('a test') });";

/** A gateway in local mode that logs each operation; no process reads its output. */
async function start(stdout: "pipe" | number) {
  const folder = await temporaryFolder();
  const port = await closedPort();
  const child = spawn(process.execPath, [PROGRAM, "serve", "--local"], {
    cwd: folder.path,
    env: {
      PORT: String(port),
      PLAYGROUND: "off",
      CALLER_RATE_PER_SECOND: "0",
      // The lines of background work would be lost among those of the operations.
      LOG_LEVEL: "warn",
      TRUSTED_DOCUMENTS: "audit",
      TRUSTED_DOCUMENTS_FILE: await folder.write("documents.json", "{}"),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(CRASH)}`,
    },
    stdio: ["ignore", stdout, "pipe"],
  });
  const ended = once(child, "close") as Promise<[number | null]>;
  onTestFinished(async () => {
    child.kill("SIGKILL");
    child.stdout?.resume();
    await ended;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  onTestFinished(() => agent.destroy());
  const ask = (path: string, body?: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST";
      const headers = { "content-type": "application/json" };
      request({ port, path, method, headers, agent }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      })
        .on("error", reject)
        .end(body);
    });
  await expect.poll(() => ask("/health/ready").catch(() => undefined), { timeout: 60_000 }).toBe(200);
  return { child, ask, exit: async () => (await ended)[0] };
}

const OPERATIONS = 400;

/** Sends operations with a log line of 8 KiB each: together more than the pipe and the buffer hold. */
async function fill(ask: (path: string, body: string) => Promise<number | undefined>): Promise<void> {
  const name = "x".repeat(8_000);
  const body = JSON.stringify({ query: `query ${name} { __typename }`, operationName: name });
  const statuses = await Promise.all(Array.from({ length: OPERATIONS }, () => ask("/graphql", body)));
  expect(new Set(statuses)).toEqual(new Set([200]));
}

function lines(child: ChildProcess): () => readonly string[] {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  return () => output.split("\n");
}

test("a stalled log reader blocks no request, and later gets the number of lost lines", async () => {
  const { child, ask, exit } = await start("pipe");
  const notes = child.stderr === null ? undefined : text(child.stderr);
  await fill(ask);
  expect(await ask("/health/live")).toBe(200);
  const read = lines(child);
  await expect.poll(() => read().join("\n"), { timeout: 30_000 }).toContain("log.lines_dropped");
  const note = read().find((line) => line.includes("log.lines_dropped"));
  const { level, event, dropped, msg, time } = JSON.parse(note ?? "{}");
  expect({ level, event, msg }).toEqual({
    level: "warn",
    event: "log.lines_dropped",
    msg: "log lines dropped",
  });
  expect(dropped).toBeGreaterThan(0);
  expect(Date.parse(time)).not.toBeNaN();
  const written = read().filter((line) => line.includes("documents.untrusted")).length;
  expect(written + dropped).toBe(OPERATIONS);
  child.kill("SIGTERM");
  expect(await exit()).toBe(0);
  expect(await notes).toMatch(/\nStopped\.\n$/);
});

test("a process with a stalled log reader stops on a signal", async () => {
  const { child, ask } = await start("pipe");
  await fill(ask);
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
});

test("a process with a stalled log reader still reports a crash", async () => {
  const { child, ask } = await start("pipe");
  await fill(ask);
  const stderr = child.stderr === null ? undefined : text(child.stderr);
  child.kill("SIGUSR2");
  const [code] = await once(child, "exit");
  expect(code).toBe(EX_SOFTWARE);
  const last = (await stderr)?.trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ level: "fatal", origin: "uncaughtException" });
});

test("a log reader that exits does not end the process", async () => {
  const { child, ask, exit } = await start("pipe");
  child.stdout?.destroy();
  await fill(ask);
  expect(await ask("/health/live")).toBe(200);
  child.kill("SIGTERM");
  expect(await exit()).toBe(0);
});

test("a full disk does not end the process", async () => {
  const full = openSync("/dev/full", "w");
  onTestFinished(() => closeSync(full));
  const { child, ask, exit } = await start(full);
  await fill(ask);
  expect(await ask("/health/live")).toBe(200);
  child.kill("SIGTERM");
  expect(await exit()).toBe(0);
});
