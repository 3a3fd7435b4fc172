import { on, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startProgram } from "../support/start-program.ts";

const TCP_PROXY = fileURLToPath(new URL("../../src/containers/tcp-proxy.ts", import.meta.url));

/** A port on which no program listens. */
const NOBODY = "127.0.0.1:2";

/** Starts a target that sends its name to each client, echoes bytes, and ends when the client ends. */
async function startTarget(name: string): Promise<{ server: Server; text: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write(`${name}:`);
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { server, sockets, text: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function startTcpProxy(...targets: string[]) {
  const program = startProgram(process.execPath, [TCP_PROXY, "127.0.0.1:0", ...targets]);
  const line = await program.line(/^Forwarding/);
  const port = Number(/127\.0\.0\.1:(\d+) to /.exec(line)?.[1]);
  return { ...program, port };
}

/** Connects, sends words, and returns everything that the target sends back. */
async function converse(port: number, words: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(words);
  return text(socket);
}

/** Waits until the socket has received these words, and leaves it open. */
async function heard(socket: Socket, words: string): Promise<void> {
  let all = "";
  for await (const [chunk] of on(socket, "data")) {
    all += String(chunk);
    if (all === words) return;
  }
}

async function text(socket: Socket): Promise<string> {
  let heard = "";
  for await (const chunk of socket) heard += String(chunk);
  return heard;
}

test("connections go to the targets in turn, byte for byte, in both directions", async () => {
  const [one, two] = [await startTarget("one"), await startTarget("two")];
  const { port } = await startTcpProxy(one.text, two.text);
  const long = "x".repeat(1_000_000);
  expect(await converse(port, "a")).toBe("one:a");
  expect(await converse(port, long)).toBe(`two:${long}`);
  expect(await converse(port, "b")).toBe("one:b");
});

test("a connection skips a target that is down", async () => {
  const two = await startTarget("two");
  const { port } = await startTcpProxy(NOBODY, two.text);
  for (const words of ["a", "b", "c"]) expect(await converse(port, words)).toBe(`two:${words}`);
});

test("bytes sent to a target that then breaks are not sent to another target", async () => {
  const [one, two] = [await startTarget("one"), await startTarget("two")];
  const { port } = await startTcpProxy(one.text, two.text);
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {});
  client.write("a change");
  await once(client, "data");
  const closed = once(client, "close");
  one.sockets[0]?.resetAndDestroy();
  await closed;
  expect(two.sockets).toHaveLength(0);
});

test("a connection is closed if every target is down", async () => {
  const { port } = await startTcpProxy(NOBODY, NOBODY);
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {});
  await once(client, "close");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends the proxy with 0 after its last connection",
  async (signal) => {
    const one = await startTarget("one");
    const { child, port, end } = await startTcpProxy(one.text);
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.write("a");
    await heard(client, "one:a");
    const silent = connect(port, "127.0.0.1");
    await once(silent, "data");
    const silentClosed = once(silent, "close");
    child.kill(signal);
    // The proxy refuses new connections after it has received the signal.
    await untilRefused(port);
    await silentClosed;
    client.end("still here");
    expect(await text(client)).toBe("still here");
    expect((await end()).code).toBe(0);
  },
);

test.each([[[]], [["127.0.0.1:0"]], [["127.0.0.1:0", "nowhere"]]])(
  "wrong arguments (%j) end the proxy with 78 and a message",
  async (argv) => {
    const { code, output } = await startProgram(process.execPath, [TCP_PROXY, ...argv]).end();
    expect(code).toBe(78);
    expect(output).toMatch(/host:port/);
  },
);

async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const probe = connect(port, "127.0.0.1");
    const outcome = await Promise.race([
      once(probe, "connect").then(() => "connected"),
      new Promise<string>((resolve) => probe.once("error", () => resolve("refused"))),
    ]);
    probe.destroy();
    if (outcome === "refused") return;
  }
}
