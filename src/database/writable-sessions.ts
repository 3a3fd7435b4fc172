/**
 * The sessions that were opened since the last one turned out to be read-only. A server that has become a standby, or
 * a role that was made read-only, keeps its old sessions as they are: new ones lead to the primary again.
 */
export class WritableSessions {
  #sessions = new WeakSet<object>();

  /** Whether a SQLSTATE says that the session takes no writes: read_only_sql_transaction, or what a standby refuses. */
  static isReadOnly(code: string | undefined): boolean {
    return code === "25006" || code === "0A000";
  }

  add(session: object): void {
    this.#sessions.add(session);
  }

  has(session: object): boolean {
    return this.#sessions.has(session);
  }

  /** No session that is open now is used again. */
  distrust(): void {
    this.#sessions = new WeakSet();
  }
}
