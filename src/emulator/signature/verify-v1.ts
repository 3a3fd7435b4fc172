import { createHmac } from "node:crypto";
import type { V1Proof } from "../wire/read-call.ts";
import { headerValue, type ReceivedRequest } from "../wire/received-request.ts";
import { equalInConstantTime, hostForms, type SignatureMismatch } from "./signature-mismatch.ts";

const HASH = { HmacSHA1: "sha1", HmacSHA256: "sha256" } as const;

/** Returns undefined for a valid signature, else the likely cause of the mismatch. */
export function verifyV1(
  request: ReceivedRequest,
  proof: V1Proof,
  secretKey: string,
): SignatureMismatch | undefined {
  const hosts = hostForms(headerValue(request, "host") ?? "");
  const fits = (text: string, key: string, scheme: V1Proof["scheme"]) =>
    equalInConstantTime(createHmac(HASH[scheme], key).update(text).digest("base64"), proof.signature);
  const texts = hosts.map((host) => v1StringToSign(request.method, host, request.path, proof.signed));
  if (texts.some((text) => fits(text, secretKey, proof.scheme))) return undefined;

  const other = proof.scheme === "HmacSHA1" ? "HmacSHA256" : "HmacSHA1";
  const otherMethod = request.method === "GET" ? "POST" : "GET";
  const host = hosts[0] ?? "";
  const suspicions: [cause: string, text: string, key: string, scheme: V1Proof["scheme"]][] = [
    [`Signed with ${other}, sent as ${proof.scheme}.`, texts[0] ?? "", secretKey, other],
    [
      `Signed as ${otherMethod}, sent as ${request.method}.`,
      v1StringToSign(otherMethod, host, request.path, proof.signed),
      secretKey,
      proof.scheme,
    ],
    [
      "The values were signed percent-encoded; v1 signs them as they are.",
      v1StringToSign(request.method, host, request.path, encoded(proof.signed)),
      secretKey,
      proof.scheme,
    ],
    ["The secret key has trailing white space.", texts[0] ?? "", `${secretKey} `, proof.scheme],
  ];
  const found = suspicions.find(([, text, key, scheme]) => fits(text, key, scheme));
  return {
    cause:
      found?.[0] ?? "No known mistake fits: another secret key, or the request was changed after signing.",
    stringToSign: v1StringToSign(request.method, host, request.path, withoutToken(proof.signed)),
  };
}

function encoded(parameters: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...parameters].map(([name, value]) => [name, encodeURIComponent(value)]));
}

/** The text goes to a log, so the token is left out. */
function withoutToken(parameters: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...parameters].map(([name, value]) => [name, name === "Token" ? "[redacted]" : value]));
}

/** Returns method, host, path and the sorted parameters. Values are not encoded. */
function v1StringToSign(
  method: string,
  host: string,
  path: string,
  parameters: ReadonlyMap<string, string>,
): string {
  const sorted = [...parameters].sort(([one], [other]) => (one < other ? -1 : 1));
  return `${method}${host}${path}?${sorted.map(([name, value]) => `${name}=${value}`).join("&")}`;
}
