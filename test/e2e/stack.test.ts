import { once } from "node:events";
import { readdirSync, watch } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import pg from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { ROOT } from "../support/compose-file.ts";
import { ALICE, CAROL } from "../support/seed-users.ts";
import { type Program, startProgram } from "../support/start-program.ts";

// Each test starts a database, the emulator and two gateways on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const FREE_PORTS = ["--port=0", "--second-port=0", "--emulator-port=0", "--control-port=0"];

interface Addresses {
  readonly gateways: readonly [string, string];
  readonly cam: string;
  readonly control: string;
  readonly database: string;
}

function startStack(command: string, ...argv: readonly string[]): Program {
  // Variables that would misdirect a gateway if the stack passed them on.
  const env = { ...process.env, TENCENTCLOUD_SECRET_ID_FILE: "/nowhere", CAM_ENDPOINT: "http://127.0.0.1:2" };
  return startProgram(command, argv, { cwd: ROOT, env, detached: true });
}

function startOnFreePorts(): Program {
  return startStack(process.execPath, "scripts/stack.ts", ...FREE_PORTS);
}

/** Returns all addresses when all parts listen. */
async function addressesOf(stack: Program): Promise<Addresses> {
  const read = async (pattern: RegExp) => pattern.exec(await stack.line(pattern)) ?? [];
  const [, one = "", two = ""] = await read(/^stack +\| GraphQL +(\S+) +(\S+)/);
  const [, cam = "", control = ""] = await read(/^stack +\| CAM +the emulator, (\S+); .* (\S+)/);
  const [, database = ""] = await read(/^stack +\| PostgreSQL +(\S+)/);
  return { gateways: [one, two], cam, control, database };
}

/** Holds a connection to each part. It ends with the process of that part. */
async function holdConnections({ gateways, cam, control, database }: Addresses) {
  const ended = [...gateways, cam, control].map(async (url) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nhost: stack\r\n\r\n");
    await once(socket, "data");
    return { end: new Promise((resolve) => socket.resume().once("close", resolve)) };
  });
  const client = new pg.Client(database);
  const end = new Promise((resolve) => client.once("end", resolve));
  client.on("error", () => {});
  await client.connect();
  const held = [{ end }, ...(await Promise.all(ended))];
  return { allEnded: () => Promise.all(held.map((connection) => connection.end)) };
}

async function send(url: string, query: string): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  return response.json();
}

/** Returns the changes in the database that both gateways share. */
async function recordsIn(database: string): Promise<unknown> {
  const client = new pg.Client(database);
  await client.connect();
  const { rows } = await client.query("select op_uin::text, replica, status from mfa_change order by op_uin");
  await client.end();
  return rows;
}

/** Database folders of stacks. */
function dataFolders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("gateway-stack-"));
}

/** Waits until these folders are deleted. */
async function removed(folders: readonly string[]): Promise<void> {
  const isThere = () => dataFolders().some((name) => folders.includes(name));
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(tmpdir(), () => {
    if (!isThere()) resolve();
  });
  if (!isThere()) resolve();
  await promise;
  watcher.close();
}

function pidOf({ lines }: Program, name: string): number {
  const line = lines.find((text) => text.includes(`Started ${name} as process`)) ?? "";
  return Number(/process (\d+)/.exec(line)?.[1]);
}

test("npm run stack serves the same users through both gateways, and Ctrl-C stops all parts with exit code 0", async () => {
  const before = dataFolders();
  const stack = startStack("npm", "run", "stack", "--", ...FREE_PORTS);
  const addresses = await addressesOf(stack);
  const [one, two] = addresses.gateways;
  const change = (opUin: string) =>
    `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy } }`;
  const changed = { data: { setSubUserMfa: { resolvedBy: "REPLY" } } };
  expect(await send(one, change(ALICE))).toEqual(changed);
  expect(await send(two, change(CAROL))).toEqual(changed);
  const query = `{ subUser(opUin: "${ALICE}") { name mfa { login { phone } } } }`;
  const alice = { data: { subUser: { name: "alice", mfa: { login: { phone: true } } } } };
  expect(await send(two, query)).toEqual(alice);
  expect((await fetch(addresses.control)).ok).toBe(true);
  expect(await recordsIn(addresses.database)).toEqual([
    { op_uin: ALICE, replica: "gateway-1", status: "applied" },
    { op_uin: CAROL, replica: "gateway-2", status: "applied" },
  ]);

  const { allEnded } = await holdConnections(addresses);
  // A terminal signals the whole process group. npm forwards its signal, so the stack receives two.
  process.kill(-(stack.child.pid ?? 0), "SIGINT");
  const { code, output } = await stack.end();
  expect(code).toBe(0);
  await allEnded();
  expect(dataFolders()).toEqual(before);
  expect(output).toMatch(/stack +\| Everything has stopped\.$/);

  const names = output.split("\n").map((line) => /^(\S+) *\| +\S/.exec(line)?.[1] ?? line);
  const parts = ["stack", "postgres", "emulator", "gateway-1", "gateway-2"];
  // The output also has lines of npm and of the build.
  expect(new Set(names.filter((name) => !/^(|>.*|build: .*|npm warn.*)$/.test(name)))).toEqual(
    new Set(parts),
  );
});

test("a killed gateway stops the other parts, with exit code 1 and a message", async () => {
  const before = dataFolders();
  const stack = startOnFreePorts();
  const { allEnded } = await holdConnections(await addressesOf(stack));
  process.kill(pidOf(stack, "gateway-1"), "SIGKILL");
  const { code, output } = await stack.end();
  expect(code).toBe(1);
  expect(output).toMatch(/gateway-1 was ended by SIGKILL without being asked to; stopping everything else\./);
  await allEnded();
  expect(dataFolders()).toEqual(before);
});

test("a killed database stops the other parts", async () => {
  const before = dataFolders();
  const stack = startOnFreePorts();
  const addresses = await addressesOf(stack);
  const { allEnded } = await holdConnections(addresses);
  const client = new pg.Client(addresses.database);
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query<{ text: string }>("select pg_read_file('postmaster.pid') as text");
  process.kill(Number.parseInt(rows[0]?.text ?? "", 10), "SIGKILL");
  const { code, output } = await stack.end();
  expect(code).toBe(1);
  expect(output).toMatch(/postgres +\| PostgreSQL is gone\./);
  expect(output).toMatch(/postgres ended with 1 without being asked to; stopping everything else\./);
  await allEnded();
  expect(dataFolders()).toEqual(before);
});

test("no part outlives a killed stack", async () => {
  const before = dataFolders();
  const stack = startOnFreePorts();
  const { allEnded } = await holdConnections(await addressesOf(stack));
  stack.child.kill("SIGKILL");
  await allEnded();
  await removed(dataFolders().filter((name) => !before.includes(name)));
});

test("one message lists all ports in use and their flags before any part starts", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const taken = [`--second-port=${port}`, `--postgres-port=${port}`];
  const { code, output } = await startStack(
    process.execPath,
    "scripts/stack.ts",
    ...FREE_PORTS,
    ...taken,
  ).end();
  expect({ code, output }).toEqual({
    code: 1,
    output:
      `Already in use: 127.0.0.1:${port} (--second-port), 127.0.0.1:${port} (--postgres-port). ` +
      "Stop what listens there, such as npm start, or give another port by that flag (0 takes a free one).",
  });
});

test("a port given twice counts as in use", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const twice = [`--port=${port}`, `--second-port=${port}`];
  const { code, output } = await startStack(
    process.execPath,
    "scripts/stack.ts",
    ...FREE_PORTS,
    ...twice,
  ).end();
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringContaining(`Already in use: 127.0.0.1:${port} (--second-port). `),
  });
});

test.each([["--prot=1"], ["--port=x"], ["--control-port=70000"]])(
  "%s ends it with 64, before anything is started",
  async (flag) => {
    const { code, output } = await startStack(process.execPath, "scripts/stack.ts", flag).end();
    expect(code).toBe(64);
    expect(output).toMatch(/Usage: npm run stack/);
    expect(output).not.toMatch(/Started/);
  },
);
