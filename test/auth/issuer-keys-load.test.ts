import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadJwks, readDiscovery } from "../../src/auth/issuer-keys.ts";
import { createDispatcher } from "../../src/cam/index.ts";
import { Secret } from "../../src/secret.ts";
import { closedPort } from "../support/closed-port.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { startProxy } from "../support/start-proxy.ts";
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

test("loadJwks reads a key set from an address or from a file", async () => {
  const issuer = await startIssuer();
  const text = await loadJwks({ url: issuer.jwksUrl });
  expect(JSON.parse(text)).toMatchObject({ keys: [{ kid: "key-1", use: "sig" }] });
  const folder = await temporaryFolder();
  expect(await loadJwks({ file: await folder.write("keys.json", text) })).toBe(text);
});

test.each<readonly [string, RequestListener, RegExp]>([
  [
    "a redirect",
    (_, response) => response.writeHead(302, { location: "/other" }).end(),
    /\/keys cannot be reached$/,
  ],
  ["an error", (_, response) => response.writeHead(503).end("{}"), /answered 503 instead of 200/],
  ["204 and no body", (_, response) => response.writeHead(204).end(), /answered 204 instead of 200/],
  [
    "GBK",
    (_, response) => response.end(Buffer.from([0x22, 0xd5, 0xc5, 0xc8, 0xfd, 0x22])),
    /\/keys answered bytes that are not UTF-8/,
  ],
  ["a body that is too long", (_, response) => response.end("x".repeat(300_000)), /more than 262144 bytes/],
])("an address that answers with %s fails", async (_what, listener, message) => {
  await expect(loadJwks({ url: await serve(listener) })).rejects.toThrow(message);
});

test("loadJwks ignores a byte order mark, at an address and in a file", async () => {
  const text = '{"keys":[]}';
  const url = await serve((_, response) => response.end(`\uFEFF${text}`));
  const folder = await temporaryFolder();
  const file = await folder.write("keys.json", `\uFEFF${text}`);
  for (const place of [{ url }, { file }]) expect(await loadJwks(place)).toBe(text);
});

test.each<readonly [string, RequestListener]>([
  ["does not answer", () => {}],
  ["never finishes its answer", (_, response) => void response.writeHead(200).write("{")],
])("an address that %s fails when the time is up", async (_what, listener) => {
  const url = await serve(listener);
  await expect(loadJwks({ url }, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    message: `${url} did not answer in time`,
    cause: { name: "TimeoutError" },
  });
});

describe("discovery", () => {
  test("reads the document below the issuer's URL, with or without a slash at its end", async () => {
    const issuer = await startIssuer();
    const described = await loadJwks({ discoverAt: issuer.url });
    expect(described).toBe(await loadJwks({ url: issuer.jwksUrl }));
    const withSlash: string = await serve((_, response) =>
      response.end(JSON.stringify({ issuer: `${withSlash}/`, jwks_uri: issuer.jwksUrl })),
    );
    expect(await loadJwks({ discoverAt: `${withSlash}/` })).toBe(described);
  });

  test("rejects a document of another issuer", async () => {
    const issuer = await serve((_, response) => response.end('{"issuer":"https://a.example"}'));
    await expect(loadJwks({ discoverAt: issuer })).rejects.toMatchObject({
      message: `${issuer}/.well-known/openid-configuration does not name the address of the keys`,
      cause: { message: `It describes another issuer, https://a.example, than ${issuer}.` },
    });
  });

  test("rejects an issuer with an extra slash, and the error names the difference", async () => {
    const issuer: string = await serve((_, response) =>
      response.end(JSON.stringify({ issuer: `${issuer}/` })),
    );
    const names = `It describes another issuer, ${issuer}/, than ${issuer}.`;
    await expect(loadJwks({ discoverAt: issuer })).rejects.toMatchObject({
      cause: { message: `${names} They differ by a slash at the end.` },
    });
  });

  test("follows no redirect", async () => {
    const issuer = await startIssuer();
    const location = `${issuer.url}/.well-known/openid-configuration`;
    const url = await serve((_, response) => response.writeHead(302, { location }).end());
    await expect(loadJwks({ discoverAt: url })).rejects.toMatchObject({
      message: `${url}/.well-known/openid-configuration cannot be reached`,
      cause: { message: "unexpected redirect" },
    });
  });
});

test("a refused connection fails with ECONNREFUSED", async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const refused = { cause: { code: "ECONNREFUSED" } };
  await expect(loadJwks({ url: `${url}/keys` })).rejects.toMatchObject({
    message: `${url}/keys cannot be reached (ECONNREFUSED)`,
    ...refused,
  });
  await expect(loadJwks({ discoverAt: url })).rejects.toMatchObject({
    message: `${url}/.well-known/openid-configuration cannot be reached (ECONNREFUSED)`,
    ...refused,
  });
});

test("a configured proxy carries the requests, except those to excepted hosts", async () => {
  const issuer = await startIssuer();
  const proxy = await startProxy();
  const settings = { http: new Secret(proxy.url) };
  const dispatcher = createDispatcher({ proxy: settings });
  const straight = createDispatcher({ proxy: { ...settings, except: "127.0.0.1" } });
  onTestFinished(async () => {
    await Promise.all([dispatcher.close(), straight.close()]);
  });
  const keys = await loadJwks({ discoverAt: issuer.url }, { dispatcher });
  expect(proxy.asked).toEqual([
    `GET ${issuer.url}/.well-known/openid-configuration`,
    `GET ${issuer.url}/jwks`,
  ]);
  expect(await loadJwks({ url: issuer.jwksUrl }, { dispatcher: straight })).toBe(keys);
  expect(proxy.asked).toHaveLength(2);
});

const HERE = "http://127.0.0.1:4000";
const ELSEWHERE = "https://login.example.com/";

test.each([
  [ELSEWHERE, "https://keys.example.net/jwks"],
  [HERE, "http://127.0.0.1:4000/jwks"],
  [HERE, "https://keys.example.net/jwks"],
])("the issuer %s may have its keys at %s", (issuer, place) => {
  expect(readDiscovery(JSON.stringify({ issuer, jwks_uri: place }), issuer)).toBe(place);
});

test.each([
  ["another issuer", { issuer: "https://evil.example", jwks_uri: "https://evil.example" }, "another issuer"],
  [
    "the issuer without its slash",
    { issuer: ELSEWHERE.slice(0, -1), jwks_uri: "https://a.example" },
    "another issuer",
  ],
  ["no issuer", {}, "another issuer"],
  ["the issuer alone", { issuer: ELSEWHERE }, "no https URL"],
  ["keys without TLS", { issuer: ELSEWHERE, jwks_uri: "http://a.example" }, "no https URL"],
  ["keys on this machine", { issuer: ELSEWHERE, jwks_uri: "http://127.0.0.1:9200/" }, "no https URL"],
  [
    "keys in a file of the gateway's machine",
    { issuer: ELSEWHERE, jwks_uri: "file:///etc/passwd" },
    "no https URL",
  ],
  ["a list of keys", { issuer: ELSEWHERE, jwks_uri: ["https://a.example"] }, "no https URL"],
  ["null", null, "not a JSON object"],
  ["a text", "https://a.example", "not a JSON object"],
])("a document with %s is rejected", (_what, described, message) => {
  expect(() => readDiscovery(JSON.stringify(described), ELSEWHERE)).toThrow(message);
});

test("a document that is not JSON is rejected, and the error does not quote it", () => {
  expect(() => readDiscovery("<html>secret", ELSEWHERE)).toThrow(/^It is not a JSON object\.$/);
});
