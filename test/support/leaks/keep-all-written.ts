import { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { afterAll } from "vitest";
import { keepSecret, keepSecretsOf, keepWritten, writeKept } from "./written.ts";

/**
 * Runs in each test process before the tests: keeps the output of started programs and the answers of gateways. Patches
 * Node once and no module of the project.
 */
const PATCHED = Symbol.for("cam-mfa-gateway tests keep what is written");
const here = globalThis as { [PATCHED]?: true };
// Vitest runs the hooks of a file backwards, so this one follows all others.
afterAll(writeKept);
if (!here[PATCHED]) {
  here[PATCHED] = true;
  keepOutputOfPrograms();
  keepAnswersOfThisProcess();
  keepAnswersOfOthers();
}

interface SpawnOptions {
  readonly args?: readonly string[];
  readonly envPairs?: readonly string[];
}

/** Helper programs of the tests, which may print secrets. */
const OUR_OWN = /\/test\/(support|database)\/[^/]+\.ts$/;

function keepOutputOfPrograms(): void {
  const prototype = ChildProcess.prototype as unknown as { spawn(options: SpawnOptions): unknown };
  const { spawn } = prototype;
  prototype.spawn = function (this: ChildProcess, options) {
    const started = spawn.call(this, options);
    if (options.args?.some((word) => OUR_OWN.test(word))) return started;
    keepSecretsOf(Object.fromEntries((options.envPairs ?? []).map(splitPair)));
    for (const name of ["stdout", "stderr"] as const) {
      const stream = this[name];
      if (stream) keepPushed(stream, `${name}-of-${this.pid}`);
    }
    return started;
  };
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** Wraps `push` instead of listening: a listener would make the stream flow, and later listeners would miss data. */
function keepPushed(stream: Readable, source: string): void {
  const { push } = stream;
  stream.push = function (this: Readable, chunk: Buffer | null, encoding) {
    if (chunk !== null) keepWritten(source, chunk);
    return push.call(this, chunk, encoding);
  };
}

/** Answers of gateways have an id. Stubs and issuers of tests have none and may send secrets. */
const ID_OF_GATEWAYS = "x-request-id";
const headersOf = new WeakMap<ServerResponse, unknown>();

function keepAnswersOfThisProcess(): void {
  const prototype = ServerResponse.prototype as unknown as {
    writeHead(this: ServerResponse, ...args: unknown[]): unknown;
    end(this: ServerResponse, ...args: unknown[]): unknown;
  };
  const { writeHead, end } = prototype;
  prototype.writeHead = function (...args) {
    headersOf.set(this, args.at(-1));
    return writeHead.apply(this, args);
  };
  prototype.end = function (...args) {
    const headers = JSON.stringify({ ...this.getHeaders(), ...(headersOf.get(this) as object | undefined) });
    const body = typeof args[0] === "string" || args[0] instanceof Uint8Array ? String(args[0]) : "";
    if (headers.includes(ID_OF_GATEWAYS)) keepWritten("answers", `${headers}\n${body}\n`);
    else keepSecretsOfSts(body);
    return end.apply(this, args);
  };
}

/** Temporary keys are known only when they are issued. */
function keepSecretsOfSts(body: string): void {
  for (const [, name = "", value = ""] of body.matchAll(/"(TmpSecretKey|Token)":"([^"]{12,})"/g)) {
    keepSecret(name, value);
  }
}

/** Sees answers to fetch and undici only, which publish them. The server is another program or this process. */
function keepAnswersOfOthers(): void {
  const bodies = new WeakMap<object, Uint8Array[]>();
  subscribe("undici:request:headers", (message) => {
    const { request, response } = message as { request: object; response: { headers: readonly Buffer[] } };
    const headers = response.headers.map(String);
    if (headers.some((name) => name.toLowerCase() === ID_OF_GATEWAYS)) {
      bodies.set(request, [Buffer.from(`${headers.join("\n")}\n`)]);
    }
  });
  subscribe("undici:request:bodyChunkReceived", (message) => {
    const { request, chunk } = message as { request: object; chunk: Uint8Array };
    bodies.get(request)?.push(Buffer.from(chunk));
  });
  subscribe("undici:request:trailers", (message) => {
    const { request } = message as { request: object };
    const parts = bodies.get(request);
    if (parts !== undefined) keepWritten("answers", Buffer.concat([...parts, Buffer.from("\n")]));
  });
}
