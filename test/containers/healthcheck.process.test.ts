import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startProgram } from "../support/start-program.ts";

const HEALTHCHECK = fileURLToPath(new URL("../../src/containers/healthcheck.ts", import.meta.url));

function check(env: Readonly<Record<string, string>>, ...argv: readonly string[]) {
  return startProgram(process.execPath, [HEALTHCHECK, ...argv], { env }).end();
}

async function startServer(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

test("a ready gateway at HOST and PORT is healthy", async () => {
  const asked: (string | undefined)[] = [];
  const PORT = await startServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  for (const HOST of ["", "127.0.0.1", "localhost"]) {
    expect(await check({ HOST, PORT })).toMatchObject({ code: 0 });
  }
  expect(asked).toEqual(["/health/ready", "/health/ready", "/health/ready"]);
});

test("a gateway that answers 503 is unhealthy", async () => {
  const PORT = await startServer((_, response) => void response.writeHead(503).end());
  expect(await check({ PORT })).toEqual({
    code: 1,
    output: `http://127.0.0.1:${PORT}/health/ready answers 503`,
  });
});

test("a gateway that does not listen is unhealthy", async () => {
  // No program listens on this port.
  const { code, output } = await check({ PORT: "2" });
  expect(code).toBe(1);
  expect(output).toMatch(/does not answer: connect ECONNREFUSED/);
});

test("an address as argument replaces HOST and PORT", async () => {
  const port = await startServer(
    (request, response) => void response.writeHead(request.url === "/x" ? 200 : 404).end(),
  );
  const url = `http://127.0.0.1:${port}`;
  expect(await check({ PORT: "1" }, `${url}/x`)).toMatchObject({ code: 0 });
  expect(await check({ PORT: "1" }, `${url}/y`)).toMatchObject({ code: 1 });
});
