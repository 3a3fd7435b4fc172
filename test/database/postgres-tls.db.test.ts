import { sql } from "kysely";
import pg from "pg";
import { generate } from "selfsigned";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { startGateway } from "../support/start-gateway.ts";
import { startPostgres } from "../support/start-postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";

/** The rules of a server that wants TLS from everybody, and a certificate from one role. */
const RULES = `
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256`;

let plain: URL;
let files: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  files = await temporaryFolder();
  const postgres = await startPostgres();
  whenOver(() => postgres.stop());
  plain = new URL(postgres.url);
  const operator = new pg.Client(postgres.url);
  await operator.connect();
  whenOver(() => operator.end());
  // The server's user must own the files, so the server writes them.
  const write = (name: string, text: string) => {
    const lines = text.trim().split("\n").map(pg.escapeLiteral).join("), (");
    return operator.query(`copy (values (${lines})) to program 'umask 077; cat > ${name}'`);
  };
  const [server, client] = [await certificate("server", "127.0.0.1"), await certificate("certified")];
  await write("server.crt", server.cert);
  await write("server.key", server.private);
  await write("clients.crt", client.cert);
  await write("pg_hba.conf", RULES);
  await files.write("server.pem", server.cert);
  await files.write("client.pem", client.cert);
  await files.write("client.key", client.private);
  await files.write("other.pem", (await certificate("other", "127.0.0.1")).cert);
  await operator.query("create role certified login");
  await operator.query("alter system set ssl = on");
  await operator.query("alter system set ssl_ca_file = 'clients.crt'");
  await operator.query("select pg_reload_conf()");
  while (await accepts(postgres.url));
});

/** A certificate that is its own authority. */
function certificate(name: string, ip = "127.0.0.2") {
  return generate([{ name: "commonName", value: name }], {
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip }] },
    ],
  });
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}

function withTls(parameters: Readonly<Record<string, string>>, user?: string): string {
  const url = new URL(plain);
  if (user !== undefined) [url.username, url.password] = [user, ""];
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

async function open(url: string): Promise<Database> {
  const database = await openPostgres({ url });
  whenOver(() => database.close());
  return database;
}

/** Returns who the session is, and whether it has TLS. */
async function sessionOf({ db }: Database) {
  const { rows } = await sql`
    select current_user::text as user, ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db);
  return rows[0];
}

test.each(["require", "verify-full"])("sslmode=%s reaches a server that wants TLS", async (sslmode) => {
  const database = await open(withTls({ sslmode, sslrootcert: files.at("server.pem") }));
  expect(await sessionOf(database)).toEqual({ user: "gateway", ssl: true });
});

test("a role with a certificate needs no password", async () => {
  const parameters = {
    ...{ sslmode: "verify-full", sslrootcert: files.at("server.pem") },
    ...{ sslcert: files.at("client.pem"), sslkey: files.at("client.key") },
  };
  const database = await open(withTls(parameters, "certified"));
  expect(await sessionOf(database)).toEqual({ user: "certified", ssl: true });
});

test("a connection without TLS is refused with the remedy", async () => {
  await expect(openPostgres({ url: plain.href })).rejects.toThrow(/Add sslmode=verify-full to DATABASE_URL/);
});

test.each(["require", "verify-full"])("sslmode=%s refuses a server of another authority", async (sslmode) => {
  const url = withTls({ sslmode, sslrootcert: files.at("other.pem") });
  await expect(openPostgres({ url })).rejects.toThrow(/no authority that this machine trusts/);
});

test("sslmode=verify-full refuses the certificate of another host", async () => {
  const url = new URL(withTls({ sslmode: "verify-full", sslrootcert: files.at("server.pem") }));
  url.hostname = "localhost";
  await expect(openPostgres({ url: url.href })).rejects.toThrow(/ERR_TLS_CERT_ALTNAME_INVALID/);
});

test("a gateway records a change over TLS", async () => {
  const url = withTls({ sslmode: "verify-full", sslrootcert: files.at("server.pem") });
  await migrate(await open(url), MIGRATIONS_DIR);
  const { send } = await startGateway({ env: { DATABASE_URL: url } });
  const { data } = await send(
    'mutation { setSubUserMfa(opUin: "100021969091", login: { phone: true }) { change { id } } }',
  );
  const { rows } = await sql`select id, status from mfa_change`.execute((await open(url)).db);
  expect(data).toMatchObject({ setSubUserMfa: { change: { id: expect.any(String) } } });
  const { setSubUserMfa } = data as { readonly setSubUserMfa: { readonly change: object } };
  expect(rows).toEqual([{ ...setSubUserMfa.change, status: "applied" }]);
});
