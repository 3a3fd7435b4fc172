import { request } from "node:http";
import { expect, test } from "vitest";
import { startEmulator } from "./start-emulator.ts";

async function ask(headers: Record<string, string>, body = "", method = "POST", path = "/reset") {
  const emulator = await startEmulator();
  const url = new URL(path, emulator.controlUrl);
  return new Promise<number | undefined>((resolve, reject) => {
    const sent = request(url, { method, headers: { host: url.host, ...headers } }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject).end(body);
  });
}

test.each<[name: string, status: number]>([
  ["evil.example", 421],
  ["evil.example:4101", 421],
  ["127.0.0.1.evil.example", 421],
  ["localhost.", 421],
  ["localhost:1", 200],
  ["127.0.0.1", 200],
  ["[::1]:4101", 200],
  ["emulator:4101", 200],
])("a request to the control API with the Host header %s gets status %i", async (host, status) => {
  expect(await ask({ host })).toBe(status);
});

test.each(["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])(
  "a request from a page of the origin %s is refused",
  async (origin) => {
    expect(await ask({ origin })).toBe(403);
    expect(await ask({ origin }, "", "GET", "/users")).toBe(403);
  },
);

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "",
  "application/jsonp",
])("a body with the content type %j is refused", async (type) => {
  expect(await ask({ "content-type": type }, '{"frozen": true}', "PUT", "/clock")).toBe(415);
});

test("JSON is accepted, also with a charset and from the same origin", async () => {
  const headers = {
    "content-type": "application/json; charset=utf-8",
    host: "localhost:1",
    origin: "http://localhost:1",
  };
  expect(await ask(headers, '{"frozen": true}', "PUT", "/clock")).toBe(200);
});
