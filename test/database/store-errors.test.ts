import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { describe, expect, onTestFinished, test } from "vitest";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { explainStoreError } from "../../src/database/store-errors.ts";

const SECRET = "s3cret";

/** A server with the given answer to the first message. Returns `user:password@host:port`. */
async function startServer(answer: (socket: Socket, first: Buffer) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", (first) => answer(socket, first));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `user:${SECRET}@127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that refuses every connection like PostgreSQL. */
function refusing(code: string, message: string): Promise<string> {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return startServer((socket) => socket.end(Buffer.concat([Buffer.from("E"), length, body])));
}

async function refusalOf(url: string): Promise<string> {
  const [outcome] = await Promise.allSettled([openPostgres({ url })]);
  if (outcome.status === "fulfilled") throw new Error("It was opened.");
  const { message } = outcome.reason as Error;
  expect(message).not.toContain(SECRET);
  return message;
}

describe("the error of a failed connection contains the reason and the remedy", () => {
  test("if the server requires TLS", async () => {
    const at = await refusing("28000", 'no pg_hba.conf entry for host "10.0.0.1", no encryption');
    expect(await refusalOf(`postgres://${at}/db`)).toMatch(
      /it does not let this user in from here without TLS \(28000\)\. Add sslmode=verify-full to DATABASE_URL/,
    );
  });

  test("if a pooler refuses a start-up parameter", async () => {
    const at = await refusing("08P01", "unsupported startup parameter: statement_timeout");
    expect(await refusalOf(`postgres://${at}/db`)).toMatch(
      /refused the connection: "unsupported startup parameter: statement_timeout" \(08P01\)\. Remove start-up parameters/,
    );
  });

  test("if the server has too many connections", async () => {
    const at = await refusing("53300", "too many connections");
    expect(await refusalOf(`postgres://${at}/db`)).toMatch(/\(53300\)\. .*lower DATABASE_MAX_CONNECTIONS/);
  });

  test("if the server offers no TLS", async () => {
    const at = await startServer((socket) => socket.write("N"));
    expect(await refusalOf(`postgres://${at}/db?sslmode=require`)).toMatch(
      /it offers no TLS\. Turn on ssl on the server, or remove sslmode/,
    );
  });

  test("if an unknown authority signed its certificate", async () => {
    const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }]);
    const at = await startServer((socket) => {
      socket.write("S");
      new TLSSocket(socket, { isServer: true, key, cert }).on("error", () => undefined);
    });
    for (const mode of ["require", "verify-full"]) {
      expect(await refusalOf(`postgres://${at}/db?sslmode=${mode}`)).toMatch(
        /no authority that this machine trusts signed its certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. Add sslrootcert=/,
      );
    }
  });

  test.each(["sslrootcert", "sslcert", "sslkey"])("if the file of %s is missing", async (parameter) => {
    expect(await refusalOf(`postgres://user:${SECRET}@127.0.0.1:1/db?${parameter}=/none/ca.pem`)).toMatch(
      /^DATABASE_URL names the file \/none\/ca\.pem .* which cannot be read \(ENOENT\)\. Mount the file there/,
    );
  });

  test.each([
    `postgres://user:${SECRET}@one:5432,two:5432/db`,
    `postgresql://user:${SECRET}@one,two/db?target_session_attrs=read-write`,
    "postgres://one,two/db",
  ])("where %s names several hosts", async (url) => {
    expect(await refusalOf(url)).toMatch(
      /^DATABASE_URL names several hosts, and the gateway connects to one\./,
    );
  });

  test("if another program listens on the port", async () => {
    const at = await startServer((socket) => socket.end());
    expect(await refusalOf(`postgres://${at}/db`)).toMatch(
      /ended the connection without a message\. Check that/,
    );
  });
});

test.each([
  ["ECONNREFUSED", /nothing listens there \(ECONNREFUSED\)\. Check the host and port/],
  ["ENOTFOUND", /its host is not known \(ENOTFOUND\)\. Check/],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /Add sslrootcert=/],
  ["SELF_SIGNED_CERT_IN_CHAIN", /Add sslrootcert=/],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /Add sslrootcert=/],
  ["CERT_HAS_EXPIRED", /Renew the server's certificate/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", /another host name .* Use the name/],
  ["28P01", /percent-encode/],
  ["3D000", /no database of this name .* Create it/],
  ["25006", /read-only \(25006\)\. Let DATABASE_URL lead to the primary/],
  ["0A000", /read-only/],
  ["42501", /lacks a right .* docs\/operators\/database\.md/],
  ["55P03", /holds a lock .* pg_locks/],
  ["57014", /took too long/],
  ["53100", /disk is full/],
  ["57P03", /starting up .* Try again/],
])("%s is explained", (code, words) => {
  expect(explainStoreError(Object.assign(new Error("raw"), { code }))).toMatch(words);
});

test("an unexpected code is shown with the server's message", () => {
  const error = Object.assign(new Error("something new"), { code: "99999" });
  expect(explainStoreError(error)).toBe("something new (99999)");
});

test("with TLS, the remedy for a refused user is a line in pg_hba.conf", () => {
  const error = Object.assign(new Error("raw"), { code: "28000" });
  expect(explainStoreError(error, { usesTls: true })).toMatch(
    /from here \(28000\)\. Ask for a line of .*pg_hba\.conf/,
  );
});
