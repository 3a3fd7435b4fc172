import { readdir, readFile } from "node:fs/promises";
import pg from "pg";

/** Linux counts CPU time in hundredths of a second. */
const MICROSECONDS_A_TICK = 10_000;

/** The costs of one kind of statement. */
interface StatementCost {
  readonly name: string;
  readonly calls: number;
  /** The mean time from start to end, waits for locks and the disk included. */
  readonly meanMs: number;
}

/** Reads what a PostgreSQL on this machine spends, by a connection of its own. */
export class PostgresCosts implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #pid: number;

  private constructor(client: pg.Client, pid: number) {
    this.#client = client;
    this.#pid = pid;
  }

  /** Needs a server with `shared_preload_libraries=pg_stat_statements`. */
  static async open(url: string): Promise<PostgresCosts> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("create extension if not exists pg_stat_statements");
    const { rows } = await client.query<{ text: string }>("select pg_read_file('postmaster.pid') as text");
    return new PostgresCosts(client, Number(rows[0]?.text.split("\n")[0]));
  }

  /** Returns the CPU time of the server and of all its processes since they started. NaN where /proc is missing. */
  async cpuMicroseconds(): Promise<number> {
    const processes = await readdir("/proc").catch(() => []);
    const times = await Promise.all(
      processes.filter((name) => /^\d+$/.test(name)).map((name) => this.#ticksOf(name)),
    );
    return times.length === 0
      ? Number.NaN
      : MICROSECONDS_A_TICK * times.reduce((sum, ticks) => sum + ticks, 0);
  }

  async restartStatements(): Promise<void> {
    await this.#client.query("select pg_stat_statements_reset()");
  }

  /** Returns the statements since the restart that took longest in total. */
  async statements(most: number): Promise<readonly StatementCost[]> {
    const { rows } = await this.#client.query<{ query: string; calls: string; mean: number }>(
      `select query, calls, mean_exec_time as mean from pg_stat_statements
       where query not like '%pg_stat_statements%' order by total_exec_time desc limit $1`,
      [most],
    );
    return rows.map(({ query, calls, mean }) => ({
      name: query.replaceAll(/\s+/g, " ").slice(0, 60),
      calls: Number(calls),
      meanMs: mean,
    }));
  }

  async #ticksOf(name: string): Promise<number> {
    const text = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The name of the program is in parentheses and may contain spaces.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const isServer = Number(name) === this.#pid;
    if (!isServer && Number(fields[1]) !== this.#pid) return 0;
    const [user = 0, system = 0, userOfEnded = 0, systemOfEnded = 0] = fields.slice(11, 15).map(Number);
    return user + system + (isServer ? userOfEnded + systemOfEnded : 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.end();
  }
}
