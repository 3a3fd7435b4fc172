import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

export interface RawRequest {
  method: string;
  target: string;
  headers: readonly (readonly [name: string, value: string])[];
  body: string | Buffer;
}

export interface RawReply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Opens a connection for each request, because a pooled one may belong to a stopped emulator. */
const agent = new Agent({ keepAlive: false });

/** Sends exactly these headers in this order, and adds only those that framing needs. */
export async function sendRaw(url: string, { method, target, headers, body }: RawRequest): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  const length = ["Content-Length", String(Buffer.byteLength(body))];
  const flat = [...headers.flat(), ...length];
  const outgoing = request({ hostname, port, agent, method, path: target, headers: flat, setHost: false });
  outgoing.end(body);
  const [reply] = (await once(outgoing, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of reply as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks) };
}
