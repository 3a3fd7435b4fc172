/** A session prepares a statement at this run, because a plan that is used a few times costs more than it saves. */
const PREPARE_AT_RUN = 5;

/** A session counts this many statements, so that those of many filters use no memory. */
const MOST_COUNTED = 200;

/** The statements that a session prepares, so that the server parses and plans each of them once. */
export class PreparedStatements {
  readonly #runs = new Map<string, number>();
  readonly #names = new Map<string, string>();
  #prepared = 0;

  /** Counts a run of a statement. Returns the name under which the session keeps the statement, if it does. */
  nameOf(sql: string): string | undefined {
    const name = this.#names.get(sql);
    if (name !== undefined) return name;
    const runs = this.#runs.get(sql) ?? 0;
    if (runs > 0 || this.#runs.size < MOST_COUNTED) this.#runs.set(sql, runs + 1);
    if (runs + 1 !== PREPARE_AT_RUN) return undefined;
    this.#prepared += 1;
    this.#names.set(sql, `s${this.#prepared}`);
    return this.#names.get(sql);
  }

  /** From now on the session runs the statement without a name. */
  forget(sql: string): void {
    this.#names.delete(sql);
  }
}
