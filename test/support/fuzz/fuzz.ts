import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { Pool } from "undici";
import { isCamErrorCode } from "../../../src/contract/index.ts";
import { type FuzzRequest, fuzzRequest } from "./requests.ts";

export interface FuzzOptions {
  /** Of the gateway, for example `http://127.0.0.1:4000`. */
  readonly origin: string;
  readonly requests: number;
  readonly seed: number;
  /** What must not show in any answer. */
  readonly secrets: readonly string[];
}

/** A violation with the request that shows it. */
export interface FuzzFinding {
  readonly problem: string;
  readonly request: FuzzRequest;
  readonly answer: string;
}

export interface FuzzResult {
  readonly findings: readonly FuzzFinding[];
  readonly countOfStatus: Readonly<Record<string, number>>;
}

const AT_ONCE = 16;

/** Above the largest permitted answer. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** A quotation of the request in an error message. */
const MAX_MESSAGE_CHARACTERS = 400;

/** A stack trace or a path of a file system. */
const INSIDE = /\n\s+at [\w.<]+ \(|node_modules|\/src\/|\/dist\//;

/** Sends random requests and checks each answer. Rejects when the gateway stops answering. */
export async function fuzz({ origin, requests, seed, secrets }: FuzzOptions): Promise<FuzzResult> {
  const findings: FuzzFinding[] = [];
  const countOfStatus: Record<string, number> = {};
  const pool = new Pool(origin, { connections: AT_ONCE });
  const samples = fc.sample(fuzzRequest, { numRuns: requests, seed }).values();
  const sendSome = async (): Promise<void> => {
    for (const request of samples) {
      const { status, text } = await send(request, pool, origin);
      countOfStatus[status] = (countOfStatus[status] ?? 0) + 1;
      const problem = problemOf(status, text, secrets);
      if (problem !== undefined) findings.push({ problem, request, answer: text.slice(0, 500) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendSome));
  const { statusCode } = await pool.request({ method: "GET", path: "/health/ready" });
  if (statusCode !== 200) throw new Error(`The gateway is not ready any more: HTTP ${statusCode}.`);
  await pool.close();
  return { findings, countOfStatus };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(request: FuzzRequest, pool: Pool, origin: string): Promise<Answer> {
  if ("raw" in request) return sendRaw(request.raw, origin);
  const { method, path, headers, body } = request;
  const response = await pool.request({
    method: method as "POST",
    path,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : Buffer.from(body) }),
  });
  return { status: response.statusCode, text: await response.body.text() };
}

async function sendRaw(bytes: Uint8Array, origin: string): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.end(bytes);
  await closed;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}

function problemOf(status: number, text: string, secrets: readonly string[]): string | undefined {
  if (secrets.some((secret) => text.includes(secret))) return "tells a secret";
  if (INSIDE.test(text)) return "shows the inside";
  if (text.length > MAX_ANSWER_BYTES) return "exceeds the largest answer";
  const errors = errorsOf(text);
  if (errors.some(({ message = "" }) => message.length > MAX_MESSAGE_CHARACTERS)) return "quotes at length";
  const codes = errors.map(({ extensions }) => extensions?.code);
  if (codes.includes("INTERNAL")) return "is a fault of ours";
  if (status >= 500 && !codes.every(isCamErrorCode)) return "is an untyped 5xx";
  return undefined;
}

interface AnsweredError {
  readonly message?: string;
  readonly extensions?: { readonly code?: unknown };
}

/** An empty reply for an answer that is not GraphQL. */
function errorsOf(text: string): readonly AnsweredError[] {
  try {
    return (JSON.parse(text) as { errors?: readonly AnsweredError[] }).errors ?? [];
  } catch {
    return [{}];
  }
}
