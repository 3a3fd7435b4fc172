import { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { keepSecret, keepSecretsOf, keepWritten } from "./written.ts";

/**
 * Runs in every process of tests before them: keeps what programs that they start print, and what gateways answer,
 * wherever those run. Patches Node once and no module of ours.
 */
const PATCHED = Symbol.for("cam-mfa-gateway tests keep what is written");
const here = globalThis as { [PATCHED]?: true };
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

/** Programs of the tests themselves tell each other what they need. */
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

/** Not by listening: a stream that is listened to flows, and whoever listens later would miss what has passed. */
function keepPushed(stream: Readable, source: string): void {
  const { push } = stream;
  stream.push = function (this: Readable, chunk: Buffer | null, encoding) {
    if (chunk !== null) keepWritten(source, chunk);
    return push.call(this, chunk, encoding);
  };
}

/** Gateways give every answer an id; the stubs and issuers of tests do not, and those may say secrets. */
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

/** Temporary keys are made while tests run, and only where they are handed out they are known. */
function keepSecretsOfSts(body: string): void {
  for (const [, name = "", value = ""] of body.matchAll(/"(TmpSecretKey|Token)":"([^"]{12,})"/g)) {
    keepSecret(name, value);
  }
}

/** By fetch and undici alone, which tell of it; what answers is a program of its own, or in this process again. */
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
