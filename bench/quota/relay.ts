import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { answerParent } from "../support/answer-parent.ts";

/** A program that forwards TCP connections with the delays of a network. The benchmark can cut it. */
const { TARGET_PORT = "", WAY_MS = "0", JITTER_MS = "0", STRAGGLER_MS = "0" } = process.env;

/** The share of stragglers: one packet in a hundred. */
const STRAGGLERS = 0.01;

/** Closes all connections and refuses new ones for a while. */
export interface CutQuestion {
  readonly kind: "cut";
  readonly forMs: number;
}

const sockets = new Set<Socket>();
let isCut = false;

const server = createServer((client) => {
  if (isCut) {
    client.destroy();
    return;
  }
  const target = connect(Number(TARGET_PORT), "127.0.0.1");
  forward(client, target);
  forward(target, client);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

answerParent<CutQuestion>("cut", ({ forMs }) => {
  isCut = true;
  for (const socket of sockets) socket.destroy();
  setTimeout(() => {
    isCut = false;
  }, forMs);
  return "cut";
});
const address = server.address();
console.log(`relays on ${typeof address === "object" ? address?.port : ""}`);

/** Delays the bytes of one direction, and keeps their order. */
function forward(from: Socket, to: Socket): void {
  let lastMs = 0;
  const later = (action: () => void): void => {
    lastMs = Math.max(lastMs, performance.now() + wayMs());
    setTimeout(action, Math.max(0, lastMs - performance.now()));
  };
  sockets.add(from);
  from.setNoDelay(true);
  from.on("data", (bytes) => later(() => to.write(bytes)));
  from.on("end", () => later(() => to.end()));
  from.on("close", () => {
    sockets.delete(from);
    to.destroy();
  });
  from.on("error", () => to.destroy());
}

function wayMs(): number {
  const jitterMs = -Math.log(1 - Math.random()) * Number(JITTER_MS);
  return Number(WAY_MS) + jitterMs + (Math.random() < STRAGGLERS ? Number(STRAGGLER_MS) : 0);
}
