import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  parseTc3Authorization,
  readTc3Parts,
  tc3CanonicalRequest,
  tc3StringToSign,
} from "../../src/emulator/signature/tc3-parts.ts";
import { verifyTc3 } from "../../src/emulator/signature/verify-tc3.ts";
import { verifyV1 } from "../../src/emulator/signature/verify-v1.ts";
import type { ReceivedRequest } from "../../src/emulator/wire/received-request.ts";
import { signTc3 } from "../support/sign-tc3.ts";
import published from "../vectors/tc3/published.json" with { type: "json" };
import { sendRaw } from "./send-raw.ts";
import { startEmulator } from "./start-emulator.ts";

type Vector = (typeof published)[number];

function authorizationOf(vector: Vector): string {
  const date = new Date(vector.timestamp * 1000).toISOString().slice(0, 10);
  const names = vector.headers.map(([name = ""]) => name.toLowerCase()).join(";");
  return `TC3-HMAC-SHA256 Credential=${vector.secretId}/${date}/${vector.service}/tc3_request, SignedHeaders=${names}, Signature=${vector.signature}`;
}

function received(vector: Vector): ReceivedRequest {
  const headers = vector.headers.map(([name = "", value = ""]) => [name, value] as const);
  return {
    method: vector.method,
    path: vector.uri,
    query: vector.query,
    headers: [...headers, ["X-TC-Timestamp", String(vector.timestamp)]],
    body: Buffer.from(vector.payload),
    bodyBytes: vector.payload.length,
    targetBytes: 1,
    arrivedAtMs: 0,
  };
}

function partsOf(vector: Vector) {
  const authorization = parseTc3Authorization(authorizationOf(vector));
  const parts = authorization && readTc3Parts(received(vector), authorization);
  if (!authorization || !parts) throw new Error(`The vector "${vector.name}" is not a request`);
  return { authorization, parts };
}

test.each(published)("the verifier accepts the published vector: $name", (vector) => {
  const { authorization } = partsOf(vector);
  expect(verifyTc3(received(vector), authorization, vector.secretKey, [vector.service])).toBeUndefined();
});

test.each(published)("the verifier rebuilds the published canonical request: $name", (vector) => {
  const { parts } = partsOf(vector);
  const hashed = createHash("sha256").update(tc3CanonicalRequest(parts)).digest("hex");
  expect(hashed).toBe(vector.hashedCanonicalRequest);
  if ("stringToSign" in vector) expect(tc3StringToSign(parts)).toBe(vector.stringToSign);
});

test.each(published)("the tests' own signer computes the published signature: $name", (vector) => {
  const headers = vector.headers.map(([name = "", value = ""]) => [name, value] as const);
  expect(signTc3({ ...vector, path: vector.uri, headers })).toMatchObject({
    hashedCanonicalRequest: vector.hashedCanonicalRequest,
    signature: vector.signature,
  });
});

test.each(published)("the verifier refuses the published vector with another key: $name", (vector) => {
  const { authorization } = partsOf(vector);
  expect(verifyTc3(received(vector), authorization, `${vector.secretKey}x`, [vector.service])).toBeDefined();
});

const V1_QUERY =
  "Action=DescribeInstances&InstanceIds.0=ins-09dx96dg&Limit=20&Nonce=11886&Offset=0&Region=ap-guangzhou" +
  "&SecretId=AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******&Timestamp=1465185768&Version=2017-03-12";

test("the verifier accepts the published HmacSHA1 vector", () => {
  const request: ReceivedRequest = {
    method: "GET",
    path: "/",
    query: V1_QUERY,
    headers: [["Host", "cvm.tencentcloudapi.com"]],
    body: Buffer.alloc(0),
    bodyBytes: 0,
    targetBytes: V1_QUERY.length,
    arrivedAtMs: 0,
  };
  const proof = {
    scheme: "HmacSHA1" as const,
    signature: "zmmjn35mikh6pM3V7sUEuX4wyYM=",
    signed: new Map(new URLSearchParams(V1_QUERY)),
  };
  expect(verifyV1(request, proof, "Gu5t9xGARNpq86cd98joQYCN3*******")).toBeUndefined();
  expect(verifyV1(request, proof, "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE")).toBeDefined();
});

test("a published request is accepted over a socket at its signing time", async () => {
  const vector = published.find(({ service }) => service === "cam");
  if (!vector) throw new Error("No vector for cam");
  const emulator = await startEmulator();
  emulator.control.putKey({ secretId: vector.secretId, secretKey: vector.secretKey, uin: "100021969090" });
  emulator.control.setClock({ frozen: true, atMs: vector.timestamp * 1000 });
  const reply = await sendRaw(emulator.url, {
    method: vector.method,
    target: vector.uri,
    headers: [
      ...vector.headers.map(([name = "", value = ""]) => [name, value] as const),
      ["X-TC-Action", "SetMfaFlag"],
      ["X-TC-Version", "2019-01-16"],
      ["X-TC-Timestamp", String(vector.timestamp)],
      ["Authorization", authorizationOf(vector)],
    ],
    body: vector.payload,
  });
  expect(reply.status).toBe(200);
  expect(JSON.parse(reply.body.toString())).toEqual({ Response: { RequestId: expect.any(String) } });
  expect(emulator.control.user("100021969091")?.actionFlag.Stoken).toBe(1);
});
