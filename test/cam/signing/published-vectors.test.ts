import { createHmac, hash } from "node:crypto";
import { expect, test } from "vitest";
import { deriveSigningKey } from "../../../src/cam/signing/signing-key.ts";
import { createCredentialScope } from "../../../src/cam/signing/string-to-sign.ts";
import { Tc3Signer } from "../../../src/cam/signing/tc3-signer.ts";
import { Secret } from "../../../src/secret.ts";
import published from "../../vectors/tc3/published.json" with { type: "json" };

type Vector = (typeof published)[number];

function sign(vector: Vector) {
  const { query, payload: body, service, timestamp: timestampSeconds, secretId } = vector;
  const method = vector.method as "GET" | "POST";
  const headers = vector.headers.map(([name = "", value = ""]) => [name, value] as const);
  const credential = { secretId, secretKey: new Secret(vector.secretKey) };
  return new Tc3Signer().sign({ method, query, headers, body, service, timestampSeconds }, credential);
}

test.each(published)("the signer reproduces the published vector: $name", (vector) => {
  const signed = sign(vector);
  const scope = `${new Date(vector.timestamp * 1_000).toISOString().slice(0, 10)}/${vector.service}/tc3_request`;
  const signedHeaders = vector.headers.map(([name = ""]) => name.toLowerCase()).join(";");
  expect(hash("sha256", signed.canonicalRequest)).toBe(vector.hashedCanonicalRequest);
  expect(signed.stringToSign).toBe(
    vector.stringToSign ?? `TC3-HMAC-SHA256\n${vector.timestamp}\n${scope}\n${vector.hashedCanonicalRequest}`,
  );
  expect(signed.signature).toBe(vector.signature);
  expect(signed.authorization).toBe(
    `TC3-HMAC-SHA256 Credential=${vector.secretId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${vector.signature}`,
  );
});

test.each(published.filter((vector) => vector.signingKeys !== undefined))(
  "each step of the signing key equals the published one: $name",
  (vector) => {
    const { secretKey, service, timestamp, signingKeys } = vector;
    const scope = createCredentialScope(timestamp, service);
    const dateKey = hmac(`TC3${secretKey}`, scope.date);
    expect(dateKey.toString("hex")).toBe(signingKeys?.date);
    expect(hmac(dateKey, service).toString("hex")).toBe(signingKeys?.service);
    expect(deriveSigningKey(new Secret(secretKey), scope).toString("hex")).toBe(signingKeys?.signing);
  },
);

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
