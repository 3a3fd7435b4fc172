import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { generate } from "selfsigned";
import { Agent, request } from "undici";
import { describe, expect, test } from "vitest";
import { readTls, reloadTlsOnChange, TlsError, type TlsFiles } from "../../src/http/tls.ts";
import { startGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";

async function filesOf(name: string): Promise<TlsFiles & { renew(as: string): Promise<string> }> {
  const { path: folder } = await temporaryFolder();
  const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  const renew = async (as: string): Promise<string> => {
    const pair = await generate([{ name: "commonName", value: as }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    await writeFile(files.keyFile, pair.private);
    await writeFile(files.certFile, pair.cert);
    return pair.cert;
  };
  await renew(name);
  return { ...files, renew };
}

const ASK = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"query":"{ __typename }"}',
} as const;

describe("with a certificate", () => {
  test("the gateway serves only TLS, to clients that trust the certificate", async () => {
    const files = await filesOf("one");
    const ca = (await readTls(files)).cert;
    const env = { TLS_CERT_FILE: files.certFile, TLS_KEY_FILE: files.keyFile };
    const { gateway } = await startGateway({ env });
    const { url } = gateway.address;
    expect(url).toMatch(/^https:/);
    const dispatcher = new Agent({ connect: { ca } });
    whenOver(() => dispatcher.close());
    const { statusCode, body } = await request(url, { ...ASK, dispatcher });
    expect({ statusCode, body: await body.json() }).toEqual({
      statusCode: 200,
      body: { data: { __typename: "Query" } },
    });
    await expect(request(url, ASK)).rejects.toThrow();
    await expect(fetch(url.replace("https", "http"), ASK)).rejects.toThrow();
  });

  test("new connections get a renewed certificate, and an invalid file keeps the old one", async () => {
    const files = await filesOf("one");
    const server = createServer(await readTls(files));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const waiting: { for: string; resolve: () => void }[] = [];
    const seen = (event: string): void => {
      for (const one of waiting.filter((wait) => wait.for === event)) one.resolve();
    };
    const until = (event: string) => new Promise<void>((resolve) => waiting.push({ for: event, resolve }));
    const observer = { onTlsReloaded: () => seen("reloaded"), onTlsError: () => seen("error") };
    const stop = reloadTlsOnChange(server, files, observer, 20);
    whenOver(async () => {
      stop();
      server.close();
    });
    expect(await subjectOf(server)).toBe("one");
    const failed = until("error");
    await writeFile(files.certFile, "no certificate");
    await failed;
    expect(await subjectOf(server)).toBe("one");
    const reloaded = until("reloaded");
    await files.renew("two");
    await reloaded;
    expect(await subjectOf(server)).toBe("two");
    // After the reload, older versions of TLS are still refused.
    await expect(subjectOf(server, { maxVersion: "TLSv1.1", minVersion: "TLSv1" })).rejects.toThrow();
  });

  test("the old certificate is used until both files are new and complete", async () => {
    const files = await filesOf("one");
    const server = createServer(await readTls(files));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const seen: string[] = [];
    let told = (_what: string): void => undefined;
    const next = (awaited: string) =>
      new Promise<void>((resolve) => {
        told = (what) => what === awaited && resolve();
      });
    const tell = (what: string): void => {
      seen.push(what);
      told(what);
    };
    const observer = { onTlsReloaded: () => tell("reloaded"), onTlsError: () => tell("error") };
    const stop = reloadTlsOnChange(server, files, observer, 20);
    whenOver(async () => {
      stop();
      server.close();
    });
    const renewed = await filesOf("two");
    const [cert, key] = await Promise.all([readFile(renewed.certFile), readFile(renewed.keyFile)]);
    for (const part of [cert.subarray(0, 400), cert]) {
      const looked = next("error");
      await writeFile(files.certFile, part);
      await looked;
      expect(await subjectOf(server)).toBe("one");
    }
    const looked = next("reloaded");
    await writeFile(files.keyFile, key);
    await looked;
    expect({
      seen: [...new Set(seen.slice(0, -1))],
      last: seen.at(-1),
      now: await subjectOf(server),
    }).toEqual({
      seen: ["error"],
      last: "reloaded",
      now: "two",
    });
  });
});

test.each([
  [
    "a missing file",
    async (files: TlsFiles) => ({ ...files, keyFile: "/nowhere/key.pem" }),
    "TLS_KEY_FILE /nowhere/key.pem cannot be read (ENOENT).",
  ],
  [
    "a key of another certificate",
    async (files: TlsFiles) => ({ ...files, keyFile: (await filesOf("other")).keyFile }),
    "are not a PEM pair",
  ],
  ["an empty certificate", (files: TlsFiles) => emptied(files, files.certFile), "are not a PEM pair"],
  ["an empty key", (files: TlsFiles) => emptied(files, files.keyFile), "are not a PEM pair"],
])("%s is an error that does not contain the key", async (_case, damage, problem) => {
  const files = await damage(await filesOf("one"));
  const error = await readTls(files).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TlsError);
  expect(String(error)).toContain(problem);
  expect(String(error)).not.toContain("PRIVATE KEY");
});

async function emptied(files: TlsFiles, file: string): Promise<TlsFiles> {
  await writeFile(file, "");
  return files;
}

function subjectOf(
  server: ReturnType<typeof createServer>,
  options: ConnectionOptions = {},
): Promise<string | undefined> {
  const { port } = server.address() as { port: number };
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}
