import { expect, onTestFinished, test, vi } from "vitest";
import { createDispatcher } from "../../../src/cam/transport/create-dispatcher.ts";
import { HttpTransport } from "../../../src/cam/transport/http-transport.ts";
import { Secret } from "../../../src/secret.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { startProxy } from "../../support/start-proxy.ts";
import { reply, startStubCam } from "../../support/start-stub-cam.ts";

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
