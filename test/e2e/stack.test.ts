import { once } from "node:events";
import { readdirSync, readFileSync, watch } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { PersonaName } from "../../scripts/stack/personas.ts";
import { requestToken } from "../../scripts/stack/personas.ts";
import { fencedBlocks } from "../docs/pages.ts";
import { ROOT } from "../support/compose-file.ts";
import { ALICE, HEIDI } from "../support/seed-users.ts";
import { addressesOf, FREE_PORTS, runOnStack, type StackProgramAddresses } from "../support/stack-program.ts";
import { keepToken } from "../support/start-issuer.ts";
import { type Program, startProgram } from "../support/start-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// Each test starts a database, an emulator, an issuer, two gateways and a proxy on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

/** The temporary files of the stacks, away from those of other tests. */
let TMPDIR: string;

beforeAll(async () => {
  TMPDIR = (await temporaryFolder()).path;
  // The user of the database server must reach its data.
  await chmod(TMPDIR, 0o711);
});

function startStack(command: string, ...argv: readonly string[]): Program {
  // Variables that would misdirect a gateway if the stack passed them on.
  const misdirecting = { TENCENTCLOUD_SECRET_ID_FILE: "/nowhere", CAM_ENDPOINT: "http://127.0.0.1:2" };
  const env = { ...process.env, ...misdirecting, TMPDIR };
  return startProgram(command, argv, { cwd: ROOT, env, detached: true });
}

function startOnFreePorts(): Program {
  return startStack(process.execPath, "scripts/stack.ts", ...FREE_PORTS);
}

/** Holds a connection to each part. It ends with the process of that part. */
async function holdConnections(addresses: StackProgramAddresses) {
  const { url: proxy, gateways, issuer, cam, control, database } = addresses;
  const ended = [proxy, ...gateways, issuer, cam, control].map(async (url) => {
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

/** Returns the answers to a query of a caller, who proves it by a new token. */
async function asker({ url, issuer }: StackProgramAddresses, name: PersonaName) {
  const authorization = `Bearer ${keepToken(await requestToken(issuer, name))}`;
  return async (query: string): Promise<unknown> => {
    const headers = { "content-type": "application/json", authorization };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
    return response.json();
  };
}

/** Returns a column of the changes in the database that both gateways share. */
async function recorded(database: string, column: string): Promise<readonly unknown[]> {
  const client = new pg.Client(database);
  await client.connect();
  const { rows } = await client.query({
    text: `select distinct ${column} from mfa_change order by 1`,
    rowMode: "array",
  });
  await client.end();
  return rows.flat();
}

/** Database folders of stacks. */
function dataFolders(): readonly string[] {
  return readdirSync(TMPDIR).filter((name) => name.startsWith("gateway-stack-"));
}

/** Waits until these folders are deleted. */
async function removed(folders: readonly string[]): Promise<void> {
  const isThere = () => dataFolders().some((name) => folders.includes(name));
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(TMPDIR, () => {
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

const blocks = fencedBlocks(readFileSync("docs/operators/try-the-stack.md", "utf8"));
const printedBy = (language: string) =>
  blocks
    .slice(2)
    .filter((block) => block.language === language)
    .map(({ text }) => text)
    .join("");

test("npm run stack answers as its page shows, and Ctrl-C stops all parts with exit code 0", async () => {
  const before = dataFolders();
  const stack = startStack("npm", "run", "stack", "--", ...FREE_PORTS);
  const addresses = await addressesOf(stack);
  expect(blocks[0]?.text).toBe("npm run stack\n");
  const printed = await runOnStack(addresses, printedBy("sh"), tmpdir());
  expect(printed.replaceAll(/^\n/gm, "")).toBe(printedBy("text"));

  const clerk = await asker(addresses, "clerk");
  const approver = await asker(addresses, "approver");
  const auditor = await asker(addresses, "auditor");
  const on = (opUin: string) =>
    `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy } }`;
  const changed = { data: { setSubUserMfa: { resolvedBy: "REPLY" } } };
  expect(await clerk(on(ALICE))).toEqual(changed);
  expect(await clerk(on(HEIDI))).toEqual(changed);
  // A caller cannot approve a change of their own.
  const off = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: false }, reason: "Lost") { resolvedBy } }`;
  expect(await approver(off)).toMatchObject({ errors: [{ extensions: { code: "APPROVAL_REQUIRED" } }] });
  const waiting = `{ mfaChanges(status: AWAITING_APPROVAL) { nodes { id caller { subject } } } }`;
  const { data } = (await approver(waiting)) as { data: { mfaChanges: { nodes: { id: string }[] } } };
  const [{ id } = { id: "" }] = data.mfaChanges.nodes;
  const approve = `mutation { approveMfaChange(id: "${id}") { resolvedBy } }`;
  expect(await approver(approve)).toMatchObject({
    errors: [
      {
        extensions: { code: "FORBIDDEN" },
        message: expect.stringMatching(/The requester of a change cannot approve it\.$/),
      },
    ],
  });
  expect(await auditor(`{ mfaChange(id: "${id}") { status } }`)).toEqual({
    data: { mfaChange: { status: "AWAITING_APPROVAL" } },
  });
  expect(await auditor(on(ALICE))).toMatchObject({ errors: [{ extensions: { code: "FORBIDDEN" } }] });
  // The proxy sends requests to both gateways.
  expect(await recorded(addresses.database, "replica")).toEqual(["gateway-1", "gateway-2"]);

  const { allEnded } = await holdConnections(addresses);
  // A terminal signals the whole process group. npm forwards its signal, so the stack receives two.
  process.kill(-(stack.child.pid ?? 0), "SIGINT");
  const { code, output } = await stack.end();
  expect(code).toBe(0);
  await allEnded();
  expect(dataFolders()).toEqual(before);
  expect(output).toMatch(/stack +\| Everything has stopped\.$/);

  const names = output.split("\n").map((line) => /^(\S+) *\| +\S/.exec(line)?.[1] ?? line);
  const parts = ["stack", "postgres", "emulator", "issuer", "migrate", "gateway-1", "gateway-2", "proxy"];
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
  const { allEnded } = await holdConnections(await addressesOf(stack));
  const [folder = ""] = dataFolders().filter((name) => !before.includes(name));
  const pid = readFileSync(join(TMPDIR, folder, "postmaster.pid"), "utf8");
  process.kill(Number.parseInt(pid, 10), "SIGKILL");
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
  const taken = [`--issuer-port=${port}`, `--postgres-port=${port}`];
  const { code, output } = await startStack(
    process.execPath,
    "scripts/stack.ts",
    ...FREE_PORTS,
    ...taken,
  ).end();
  expect({ code, output }).toEqual({
    code: 1,
    output:
      `Already in use: 127.0.0.1:${port} (--issuer-port), 127.0.0.1:${port} (--postgres-port). ` +
      "Stop what listens there, such as npm start, or give another port by that flag (0 takes a free one).",
  });
});

test("a port given twice counts as in use", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const twice = [`--port=${port}`, `--issuer-port=${port}`];
  const { code, output } = await startStack(
    process.execPath,
    "scripts/stack.ts",
    ...FREE_PORTS,
    ...twice,
  ).end();
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringContaining(`Already in use: 127.0.0.1:${port} (--issuer-port). `),
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
