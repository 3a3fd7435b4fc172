import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { createTestPostgres } from "../support/open-test-database.ts";

/** The start of PostgreSQL's message BackendKeyData: its type and its length. The process id follows. */
const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12]);

/** Names another process of the server to the client, as poolers do. */
async function startPooler(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const server = createServer((client) => {
    const session = connect(Number(port), hostname);
    client.pipe(session);
    session.on("data", (bytes) => {
      const at = bytes.indexOf(KEY_DATA);
      if (at >= 0) bytes.writeInt32BE(1, at + KEY_DATA.length);
      client.write(bytes);
    });
    session.on("close", () => client.destroy());
    for (const socket of [client, session]) socket.on("error", () => undefined);
    client.on("close", () => session.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const pooled = new URL(url);
  pooled.port = String((server.address() as AddressInfo).port);
  return pooled.href;
}

test("behind a pooler, every unit of work sets its settings, whatever another client left in the session", async () => {
  const database = await openPostgres({
    url: await startPooler(await createTestPostgres()),
    maxConnections: 3,
  });
  onTestFinished(() => database.close());
  const settings = sql<{ zone: string; limit: string; isolation: string }>`
    select current_setting('TimeZone') as zone, current_setting('statement_timeout') as limit,
      current_setting('transaction_isolation') as isolation`;
  for (let unit = 0; unit < 2; unit++) {
    const expected = [{ zone: "UTC", limit: "5s", isolation: "read committed" }];
    expect((await settings.execute(database.db)).rows).toEqual(expected);
    const { rows } = await database.db.transaction().execute((trx) => settings.execute(trx));
    expect(rows).toEqual(expected);
    await sql`set TimeZone = 'Asia/Tokyo'`.execute(database.db);
    await sql`set default_transaction_isolation = 'serializable'`.execute(database.db);
  }
});

test("a failed unit behind a pooler changes nothing", async () => {
  const database = await openPostgres({
    url: await startPooler(await createTestPostgres()),
    maxConnections: 3,
  });
  onTestFinished(() => database.close());
  const broken = sql`insert into quota_window (secret_id, action) select 'a', null`.execute(database.db);
  await expect(broken).rejects.toMatchObject({ code: "23502" });
  const { rows } = await sql`select count(*)::integer as n from quota_window`.execute(database.db);
  expect(rows).toEqual([{ n: 0 }]);
});
