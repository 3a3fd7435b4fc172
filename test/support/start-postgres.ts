import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface StartedPostgres {
  /** Of the database `postgres`, as a user that may make others: `postgres://user:password@127.0.0.1:port/postgres`. */
  readonly url: string;
  /** A folder for what belongs to it. */
  readonly scratchDir: string;
  /** Stops it and removes its data and the folder. This happens as well when this process ends, however it ends. */
  stop(): Promise<void>;
}

const KEEPER = fileURLToPath(new URL("postgres-keeper.ts", import.meta.url));

/**
 * Starts a new empty PostgreSQL from npm on a free port. Takes about two seconds.
 *
 * @param settings Such as `fsync=on`. The default is fast and not durable.
 */
export async function startPostgres(settings: readonly string[] = []): Promise<StartedPostgres> {
  // Detached, so that Ctrl-C in a terminal reaches the tests alone and they end the keeper in order.
  const keeper = spawn(process.execPath, [KEEPER, ...settings], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const closed = once(keeper, "close");
  let stderr = "";
  keeper.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const ready = once(keeper.stdout, "data").then(
    ([line]) => JSON.parse(String(line)) as Pick<StartedPostgres, "url" | "scratchDir">,
  );
  const started = await Promise.race([
    ready,
    closed.then(() => Promise.reject(new Error(`PostgreSQL could not be started: ${stderr.trim()}`))),
  ]);
  return {
    ...started,
    stop: async () => {
      keeper.stdin.end();
      await closed;
    },
  };
}
