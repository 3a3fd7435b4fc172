import { expect, test } from "vitest";
import { setMfaFlag } from "../../../src/cam/index.ts";
import type { Uin } from "../../../src/contract/index.ts";
import { responseOf } from "../../emulator/call-cam.ts";
import { type RawRequest, sendRaw } from "../../emulator/send-raw.ts";
import { startEmulator } from "../../emulator/start-emulator.ts";
import { createCam, within } from "../../support/create-cam.ts";
import { JumpingClock } from "../../support/fake-clock.ts";
import { reply, startStubCam } from "../../support/start-stub-cam.ts";

/** Captures a request of the client from the wire, and starts an emulator with the clock of the signature. */
async function captureRequest() {
  const clock = new JumpingClock();
  const stub = await startStubCam(reply());
  const { client } = createCam(stub.url, { clock });
  const login = { phone: false, stoken: true, wechat: false };
  await client.call(setMfaFlag, { opUin: "100021969091" as Uin, login }, within(clock));
  const [head = "", body = ""] = stub.requests[0]?.split("\r\n\r\n") ?? [];
  const headers = head
    .split("\r\n")
    .slice(1)
    .map((field) => field.split(": ") as [string, string])
    .filter(([name]) => !["content-length", "connection"].includes(name));
  const request: RawRequest = { method: "POST", target: "/", headers, body };
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true, atMs: clock.now() });
  const codeOf = async (altered: Partial<RawRequest>) =>
    responseOf(await sendRaw(emulator.url, { ...request, ...altered })).Error?.Code ?? "Success";
  /** Returns the headers with one value changed. */
  const withHeader = (name: string, change: (value: string) => string) =>
    headers.map(([each, value]) => [each, each === name ? change(value) : value] as const);
  return { request, emulator, codeOf, withHeader };
}

function flipBit(text: string, at: number): string {
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
}

test("the emulator's verifier accepts a request of the signer", async () => {
  const { codeOf, emulator } = await captureRequest();
  await expect(codeOf({})).resolves.toBe("Success");
  expect(emulator.events.filter(({ kind }) => kind === "signatureMismatch")).toEqual([]);
});

test("the verifier refuses the request if any byte of its body changes", async () => {
  const { request, codeOf } = await captureRequest();
  const body = String(request.body);
  for (let at = 0; at < body.length; at++) {
    expect(await codeOf({ body: flipBit(body, at) })).toBe("AuthFailure.SignatureFailure");
  }
  expect(await codeOf({ body: `${body} ` })).toBe("AuthFailure.SignatureFailure");
  expect(await codeOf({ body: body.slice(0, -1) })).toBe("AuthFailure.SignatureFailure");
});

test("the verifier refuses the request if any digit of its signature changes", async () => {
  const { request, codeOf, withHeader } = await captureRequest();
  const authorization = request.headers.find(([name]) => name === "authorization")?.[1] ?? "";
  const start = authorization.length - 64;
  for (let at = start; at < authorization.length; at++) {
    const digit = (Number.parseInt(authorization.charAt(at), 16) ^ 1).toString(16);
    const altered = authorization.slice(0, at) + digit + authorization.slice(at + 1);
    expect(await codeOf({ headers: withHeader("authorization", () => altered) })).toBe(
      "AuthFailure.SignatureFailure",
    );
  }
});

test.each([
  ["content-type", (value: string) => `${value};`, "AuthFailure.SignatureFailure"],
  ["host", (value: string) => flipBit(value, 4), "AuthFailure.SignatureFailure"],
  ["x-tc-action", (value: string) => flipBit(value, 0), "AuthFailure.SignatureFailure"],
  ["x-tc-action", () => "GetUser", "AuthFailure.SignatureFailure"],
  ["x-tc-timestamp", (value: string) => String(Number(value) + 1), "AuthFailure.SignatureFailure"],
  ["authorization", (value: string) => value.replace("/cam/", "/cal/"), "AuthFailure.SignatureFailure"],
  ["authorization", (value: string) => value.replace(/\d(?=\/cam\/)/, "0"), "AuthFailure.SignatureFailure"],
  ["authorization", (value: string) => value.replace(";x-tc-action", ""), "AuthFailure.SignatureFailure"],
  ["authorization", (value: string) => value.replace("AKIDL", "AKIDM"), "AuthFailure.SecretIdNotFound"],
] as const)("the verifier refuses the request with another %s: %#", async (name, change, code) => {
  const { codeOf, withHeader } = await captureRequest();
  await expect(codeOf({ headers: withHeader(name, change) })).resolves.toBe(code);
});
