import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { loadJwks } from "../../src/auth/load-jwks.ts";
import { closedPort } from "../support/closed-port.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  whenOver(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

test("a key set is read from an address, or from a file", async () => {
  const issuer = await startIssuer();
  const text = await loadJwks({ url: issuer.jwksUrl });
  expect(JSON.parse(text)).toMatchObject({ keys: [{ kid: "key-1", use: "sig" }] });
  const folder = await temporaryFolder();
  expect(await loadJwks({ file: await folder.write("keys.json", text) })).toBe(text);
});

test.each<readonly [string, RequestListener, RegExp]>([
  ["a redirect", (_, response) => response.writeHead(302, { location: "/other" }).end(), /fetch failed/],
  ["an error", (_, response) => response.writeHead(503).end("{}"), /answered 503 instead of 200/],
  ["nothing, with 204", (_, response) => response.writeHead(204).end(), /answered 204 instead of 200/],
  ["an endless text", (_, response) => response.end("x".repeat(300_000)), /more than 262144 bytes/],
])("an address that answers with %s gives none", async (_what, listener, message) => {
  await expect(loadJwks({ url: await serve(listener) })).rejects.toThrow(message);
});

test.each<readonly [string, RequestListener]>([
  ["does not answer", () => {}],
  ["begins an answer and does not end it", (_, response) => void response.writeHead(200).write("{")],
])("an address that %s is given up", async (_what, listener) => {
  const url = await serve(listener);
  await expect(loadJwks({ url }, 50)).rejects.toMatchObject({ name: "TimeoutError" });
});

test("an address where nobody listens gives none", async () => {
  const url = `http://127.0.0.1:${await closedPort()}/keys`;
  await expect(loadJwks({ url })).rejects.toThrow("fetch failed");
});
