import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Answers one complete request; writes the bytes of the answer itself. */
export type StubAnswer = (socket: Socket, request: string) => void;

export interface StubCam {
  readonly url: string;
  /** Every request, as text, in the order in which their last bytes came. */
  readonly requests: readonly string[];
  /** How many connections were opened so far. */
  readonly connections: () => number;
  /** Resolves when so many requests are there. */
  requestCount(count: number): Promise<void>;
}

/**
 * A stub of CAM on a bare socket, for misbehaviour that an HTTP server cannot produce. Gives the answers in order and
 * repeats the last one.
 */
export async function startStubCam(...answers: readonly [StubAnswer, ...StubAnswer[]]): Promise<StubCam> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const arrivals = new EventTarget();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    // The client may reset a connection that it is done with; that is its right and no failure of the test.
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    let received = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      received += chunk;
      const length = wholeLength(received);
      if (length === undefined || received.length < length) return;
      const request = received.slice(0, length);
      received = received.slice(length);
      requests.push(request);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      answer?.(socket, request);
      arrivals.dispatchEvent(new Event("request"));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    async requestCount(count) {
      while (requests.length < count) await once(arrivals, "request");
    },
  };
}

function wholeLength(received: string): number | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const contentLength = /^content-length: *(\d+)/im.exec(received.slice(0, headEnd))?.[1] ?? "0";
  return headEnd + 4 + Number(contentLength);
}

export interface StubReply {
  readonly status?: string;
  readonly contentType?: string;
  readonly date?: string;
  readonly body?: string;
}

/** A complete reply. By default a success of CAM without a Date header. */
export function reply(options: StubReply = {}): StubAnswer {
  const { status = "200 OK", contentType = "application/json", date } = options;
  const { body = '{"Response":{"RequestId":"stub-request"}}' } = options;
  const lines = [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`];
  if (contentType !== "") lines.push(`Content-Type: ${contentType}`);
  if (date !== undefined) lines.push(`Date: ${date}`);
  return (socket) => void socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** A refusal of CAM. */
export function refusal(code: string, options: Omit<StubReply, "body"> = {}): StubAnswer {
  const error = { Code: code, Message: `Stubbed ${code}.` };
  return reply({
    ...options,
    body: JSON.stringify({ Response: { Error: error, RequestId: "stub-refusal" } }),
  });
}

/** Reads the request and never answers. */
export const silence: StubAnswer = () => undefined;

/** Reads the request and closes the connection. */
export const cut: StubAnswer = (socket) => void socket.destroy();
