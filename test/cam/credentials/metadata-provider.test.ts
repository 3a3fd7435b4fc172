import { expect, test } from "vitest";
import { createMetadataProvider, isRoleName } from "../../../src/cam/credentials/metadata-provider.ts";
import { getCallerIdentity } from "../../../src/cam/index.ts";
import type { Clock } from "../../../src/clock.ts";
import { systemClock } from "../../../src/clock.ts";
import { startEmulator } from "../../emulator/start-emulator.ts";
import { closedPort } from "../../support/closed-port.ts";
import { createCam, within } from "../../support/create-cam.ts";
import { FakeClock, JumpingClock } from "../../support/fake-clock.ts";
import { reply, type StubReply, silence, startStubCam } from "../../support/start-stub-cam.ts";
import { failureOf } from "./reveal.ts";

const provider = (origin: string, roleName?: string, clock: Clock = systemClock) =>
  createMetadataProvider({ origin, ...(roleName === undefined ? {} : { roleName }) }, clock);

test.each([undefined, "mfa-gateway"])(
  "an instance's role signs calls; configured role name: %s",
  async (roleName) => {
    const emulator = await startEmulator();
    const clock = new JumpingClock(emulator.control.clock().nowMs);
    const metadata = { origin: emulator.controlUrl, ...(roleName === undefined ? {} : { roleName }) };
    const { client, credentials } = createCam(emulator.url, { clock, keys: { metadata } });
    const { output } = await client.call(getCallerIdentity, undefined, within(clock));
    expect(output).toMatchObject({ type: "CAMRole", principalId: "100000000001" });
    const { expiresAtMs = 0 } = await credentials.get();
    expect(Math.abs(expiresAtMs - clock.now() - 7_200_000)).toBeLessThan(60_000);
  },
);

test("an instance without a role has no key, and a named role that does not exist is an error", async () => {
  const { controlUrl } = await startEmulator({ instanceRole: null });
  await expect(provider(controlUrl).load()).resolves.toBeUndefined();
  expect(await failureOf(provider(controlUrl, "mfa-gateway").load())).toMatchObject({
    name: "CredentialError",
    cause: { message: "the instance does not have the role mfa-gateway" },
  });
});

const KEY = '"TmpSecretId":"AKIDX","TmpSecretKey":"s3cr3t-key","Token":"t0k3n"';

test.each<[string, StubReply]>([
  ["invalid JSON", { body: `{${KEY} x` }],
  ["a failure", { body: `{${KEY},"ExpiredTime":1,"Code":"Failed"}` }],
  ["a key without an expiry", { body: `{${KEY},"Code":"Success"}` }],
  ["a redirect", { status: "302 Found\r\nLocation: http://127.0.0.1:1/" }],
  ["an internal error", { status: "500 Internal Server Error" }],
  ["a body that is too long", { body: "x".repeat(65 * 1024) }],
])("%s gives no key, and the error contains no secret", async (_what, answer) => {
  const stub = await startStubCam(reply(answer));
  const error = await failureOf(provider(stub.url, "role").load(), "s3cr3t", "t0k3n");
  expect(error).toMatchObject({
    name: "CredentialError",
    message: `The metadata service ${stub.url} gave no key.`,
  });
  expect(stub.requests).toHaveLength(1);
});

test("a role name that leads to another path is not requested", async () => {
  const stub = await startStubCam(reply({ body: "../../user-data" }));
  await failureOf(provider(stub.url).load());
  expect(stub.requests).toHaveLength(1);
});

test.each([
  ["mfa-gateway", true],
  ["a+b=c,d.e@f_g-h", true],
  ["..", false],
  ["a/b", false],
  ["a?b", false],
  ["", false],
  ["x".repeat(129), false],
])("isRoleName(%j) is %s", (text, expected) => {
  expect(isRoleName(text)).toBe(expected);
});

test("a service that refuses the connection or does not answer for two seconds is an error", async () => {
  const port = await closedPort();
  expect(await failureOf(provider(`http://127.0.0.1:${port}`).load())).toMatchObject({
    cause: { code: "ECONNREFUSED" },
  });
  const stub = await startStubCam(silence);
  const clock = new FakeClock();
  const loading = failureOf(provider(stub.url, "role", clock).load());
  await stub.requestCount(1);
  await clock.advance(2_000);
  expect(await loading).toMatchObject({ cause: { message: "no answer in 2000 ms" } });
  expect(clock.pendingTimers).toBe(0);
});
