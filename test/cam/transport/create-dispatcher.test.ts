import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { createDispatcher } from "../../../src/cam/transport/create-dispatcher.ts";
import { HttpTransport } from "../../../src/cam/transport/http-transport.ts";
import { Secret } from "../../../src/secret.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { reply, startStubCam } from "../../support/start-stub-cam.ts";

/** A forward proxy that notes what it was asked for. It opens no tunnels: nothing is encrypted in a test. */
async function startProxy() {
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { method, headers } = incoming;
    const forwarded = request(incoming.url ?? "", { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
  server.on("connect", (incoming: IncomingMessage, client) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    client.on("error", () => undefined);
    client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

interface Proxies {
  readonly http?: string;
  readonly https?: string;
  readonly except?: string;
}

function post(origin: string, { http, https, except }: Proxies = {}) {
  const dispatcher = createDispatcher({
    proxy: {
      ...(http !== undefined && { http: new Secret(http) }),
      ...(https !== undefined && { https: new Secret(https) }),
      ...(except !== undefined && { except }),
    },
  });
  const transport = new HttpTransport({ dispatcher, clock: new FakeClock() });
  onTestFinished(() => transport.close());
  const headers = { host: "cam.tencentcloudapi.com" };
  return transport.post({ origin, headers, body: "{}", timeoutMs: 5_000 });
}

test("a call goes through the proxy under its own Host, except to hosts that are excepted", async () => {
  const cam = await startStubCam(reply());
  const proxy = await startProxy();
  await expect(post(cam.url, { http: proxy.url })).resolves.toMatchObject({ status: 200 });
  await expect(post(cam.url, { http: proxy.url, except: "127.0.0.1" })).resolves.toMatchObject({
    status: 200,
  });
  await expect(post(cam.url, { https: proxy.url })).resolves.toMatchObject({ status: 200 });
  expect(proxy.asked).toEqual([`POST ${cam.url}/`]);
  expect(cam.requests.map((text) => /^host: *(.*)$/im.exec(text)?.[1])).toEqual([
    "cam.tencentcloudapi.com",
    "cam.tencentcloudapi.com",
    "cam.tencentcloudapi.com",
  ]);
});

test.each(["http", "https"] as const)(
  "where only an %s proxy is set, TLS is tunnelled through it, and a tunnel that it refuses counts as not sent",
  async (setting) => {
    const proxy = await startProxy();
    await expect(post("https://cam.invalid", { [setting]: proxy.url })).rejects.toMatchObject({
      reason: "CONNECT_FAILED",
      sent: false,
    });
    expect(proxy.asked).toEqual(["CONNECT cam.invalid:443"]);
  },
);

test("the process's own environment is not read behind the configuration's back", async () => {
  const cam = await startStubCam(reply());
  const proxy = await startProxy();
  for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]) vi.stubEnv(name, proxy.url);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  await expect(post(cam.url, undefined)).resolves.toMatchObject({ status: 200 });
  await expect(post(cam.url, { https: proxy.url })).resolves.toMatchObject({ status: 200 });
  expect(proxy.asked).toEqual([]);
});
