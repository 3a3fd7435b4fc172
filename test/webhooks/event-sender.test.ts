import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { generate } from "selfsigned";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { Secret } from "../../src/secret.ts";
import { EventSender } from "../../src/webhooks/event-sender.ts";
import type { Resolve } from "../../src/webhooks/permitted-addresses.ts";
import { EVENT_TYPES, type Receiver } from "../../src/webhooks/receiver.ts";
import { newSecret, startReceiver } from "./start-receiver.ts";

const EVENT = { eventId: "0199aaaa-0000-7000-8000-000000000001", body: '{"type":"drift.found"}' };
const NEVER = new AbortController().signal;

function receiverAt(url: string, secret = newSecret()): Receiver {
  return {
    ...{ name: "siem", url: new URL(url), secrets: [{ value: new Secret(secret) }], events: EVENT_TYPES },
    ...{ accounts: undefined, privateAddresses: false, settings: "" },
  };
}

function senderWith(resolve: Resolve, loopback = false): EventSender {
  return new EventSender({ clock: systemClock, rules: { loopback, private: false }, resolve });
}

const LOOPBACK = { address: "127.0.0.1", family: 4 };

describe("the sender", () => {
  test.each([
    ["127.0.0.1", 4],
    ["169.254.0.23", 4],
    ["::ffff:169.254.169.254", 6],
    ["10.0.0.8", 4],
  ])("connects to no name that resolves to %s", async (address, family) => {
    const { port, got, forged } = await startReceiver();
    const resolve: Resolve = async () => [
      { address: "192.88.99.1", family: 4 },
      { address, family },
    ];
    await using sender = senderWith(resolve);
    const answer = await sender.send(receiverAt(`http://hooks.example.com:${port}/`), EVENT, NEVER);
    expect(answer).toMatchObject({ kind: "FAILED", problem: expect.stringContaining("which is refused") });
    expect([...got, ...forged]).toEqual([]);
  });

  test("resolves a name once, and connects to that very address", async () => {
    const { port, secret, got } = await startReceiver();
    let lookups = 0;
    // The name server of an attacker answers another address the second time.
    const resolve: Resolve = async () => {
      lookups += 1;
      return lookups === 1 ? [LOOPBACK] : [{ address: "169.254.169.254", family: 4 }];
    };
    const receiver = receiverAt(`http://hooks.example.com:${port}/`, secret);
    await using sender = senderWith(resolve, true);
    expect(await sender.send(receiver, EVENT, NEVER)).toEqual({ kind: "DELIVERED" });
    expect(got[0]?.headers.host).toBe(`hooks.example.com:${port}`);
    expect(lookups).toBe(1);
    await using later = senderWith(resolve, true);
    expect(await later.send(receiver, EVENT, NEVER)).toMatchObject({ kind: "FAILED" });
    expect(got).toHaveLength(1);
  });

  test("verifies that the certificate covers the name, and not the address", async () => {
    const pair = await generate([{ name: "commonName", value: "hooks.example.com" }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "hooks.example.com" }] }],
    });
    const trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, pair.cert]);
    onTestFinished(() => setDefaultCACertificates(trusted));
    const { port, secret, got } = await startReceiver({ cert: pair.cert, key: pair.private });
    await using sender = senderWith(async () => [LOOPBACK], true);
    const send = (host: string) => sender.send(receiverAt(`https://${host}:${port}/`, secret), EVENT, NEVER);
    expect(await send("hooks.example.com")).toEqual({ kind: "DELIVERED" });
    expect(await send("other.example.com")).toMatchObject({
      problem: expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID"),
    });
    setDefaultCACertificates(trusted);
    await using strict = senderWith(async () => [LOOPBACK], true);
    const answer = await strict.send(receiverAt(`https://hooks.example.com:${port}/`, secret), EVENT, NEVER);
    expect(answer).toMatchObject({ kind: "FAILED", problem: expect.stringContaining("NODE_EXTRA_CA_CERTS") });
    expect(got).toHaveLength(1);
  });

  test("names a fault without the address, the secret or the reply", async () => {
    const { port, secret, ...receiver } = await startReceiver();
    await using sender = senderWith(async () => [LOOPBACK], true);
    const path = "/services/T0/B0/a-token-in-the-path";
    const closed = await sender.send(receiverAt(`http://localhost:1${path}`, secret), EVENT, NEVER);
    expect(closed).toMatchObject({
      problem: expect.stringMatching(/^failed with ECONNREFUSED: Nothing listens/),
    });
    expect(JSON.stringify(closed)).not.toMatch(/a-token|localhost|whsec_/);
    expect(receiver.got).toEqual([]);
  });

  test("ends with the reason of a signal", async () => {
    const receiver = await startReceiver();
    const stopping = new AbortController();
    receiver.answer = () => stopping.abort(new Error("The gateway stops."));
    await using sender = senderWith(async () => [LOOPBACK], true);
    const sending = sender.send(receiverAt(receiver.origin, receiver.secret), EVENT, stopping.signal);
    await expect(sending).rejects.toThrow("The gateway stops.");
  });
});
