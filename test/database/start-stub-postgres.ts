import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A server with enough of PostgreSQL's protocol to answer every query with the same row of texts. */
export async function startStubPostgres(row: readonly string[]): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // A start-up message has no type, and all earlier messages are too small to be split.
    socket.once("data", () => {
      socket.write(Buffer.concat([message("R", int32(0)), READY]));
      socket.on("data", (query) => {
        if (query.toString("latin1", 0, 1) === "Q") socket.write(answer(row));
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `postgres://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}/database`;
}

function answer(row: readonly string[]): Buffer {
  const texts = row.map((text) => Buffer.from(text));
  const names = ["version", "encoding"].slice(0, row.length);
  // Name, table, column, type (text), size, modifier, format (text).
  const columns = names.map((name) =>
    Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]),
  );
  const values = texts.flatMap((text) => [int32(text.length), text]);
  return Buffer.concat([
    message("T", int16(columns.length), ...columns),
    message("D", int16(texts.length), ...values),
    message("C", Buffer.from("SELECT 1\0")),
    READY,
  ]);
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

const READY = message("Z", Buffer.from("I"));
