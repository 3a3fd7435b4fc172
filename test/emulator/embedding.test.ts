import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startCamEmulator } from "../../src/emulator/index.ts";
import { callCam, codeOf } from "./call-cam.ts";
import { startEmulator } from "./start-emulator.ts";

test("an emulator stops, and one on the same ports starts fresh in the same process", async () => {
  const first = await startEmulator();
  await callCam(first, "SetMfaFlag", { OpUin: 100021969091, LoginFlag: { Phone: 1 } });
  await first.stop();
  const [port, controlPort] = [first.url, first.controlUrl].map((url) => Number(new URL(url).port));
  const second = await startEmulator({ port: port ?? 0, controlPort: controlPort ?? 0 });
  expect(second.url).toBe(first.url);
  expect(second.controlUrl).toBe(first.controlUrl);
  expect(second.control.user("100021969091")?.loginFlag).toMatchObject({ Phone: 0, Stoken: 1 });
  expect(await codeOf(second, "ListUsers", {})).toBe("Success");
});

test("several emulators in one process share no state", async () => {
  const [one, two] = await Promise.all([startEmulator(), startEmulator()]);
  one.control.deleteUser("100021969091");
  expect(two.control.user("100021969091")).toBeDefined();
});

test("a stop closes idle connections, and a second stop has no effect", async () => {
  const emulator = await startEmulator();
  await callCam(emulator, "ListUsers", {});
  await emulator.stop();
  await emulator.stop();
  const socket = connect(Number(new URL(emulator.url).port), "127.0.0.1");
  const [error] = await once(socket, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  expect(emulator.events.filter(({ kind }) => kind === "stopped")).toHaveLength(1);
});

test("a port in use is reported in a sentence, and no port stays open", async () => {
  const emulator = await startEmulator();
  const taken = Number(new URL(emulator.url).port);
  await expect(startCamEmulator({ port: taken })).rejects.toThrow(
    `The emulator's CAM port cannot listen on 127.0.0.1:${taken}: another program is already using that port.`,
  );
  await expect(startCamEmulator({ controlPort: taken })).rejects.toThrow(/control port cannot listen/);
});

test("the same random seed returns the same RequestIds, and another seed returns others", async () => {
  const idsOf = async (randomSeed: number) => {
    const emulator = await startEmulator({ randomSeed });
    const responses = [await callCam(emulator, "ListUsers", {}), await callCam(emulator, "GetUser", {})];
    return responses.map(({ RequestId }) => RequestId);
  };
  const ids = await idsOf(42);
  expect(await idsOf(42)).toEqual(ids);
  expect(await idsOf(43)).not.toEqual(ids);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("events report the start, every request and the stop", async () => {
  const emulator = await startEmulator();
  await callCam(emulator, "ListUsers", {});
  await emulator.stop();
  expect(emulator.events).toEqual([
    { kind: "started", url: emulator.url, controlUrl: emulator.controlUrl },
    { kind: "request", entry: emulator.control.journal()[0] },
    { kind: "stopped" },
  ]);
});

test("an aborted request leaves the emulator working", async () => {
  const emulator = await startEmulator();
  const socket = connect(Number(new URL(emulator.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  socket.destroy();
  await once(socket, "close");
  expect(await codeOf(emulator, "ListUsers", {})).toBe("Success");
  expect(emulator.events.filter(({ kind }) => kind === "defect")).toEqual([]);
});
