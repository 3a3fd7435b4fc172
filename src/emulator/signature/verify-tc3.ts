import { utcDate } from "../wire/read-call.ts";
import { headerValue, type ReceivedRequest } from "../wire/received-request.ts";
import {
  equalInConstantTime,
  firstDifference,
  hostForms,
  hostLabel,
  type SignatureMismatch,
} from "./signature-mismatch.ts";
import {
  readTc3Parts,
  sha256Hex,
  type Tc3Authorization,
  type Tc3Parts,
  tc3CanonicalRequest,
  tc3Signature,
  tc3StringToSign,
} from "./tc3-parts.ts";

/** Returns undefined for a valid signature, else the likely cause of the mismatch. */
export function verifyTc3(
  request: ReceivedRequest,
  authorization: Tc3Authorization,
  secretKey: string,
  products: readonly string[],
): SignatureMismatch | undefined {
  const parts = readTc3Parts(request, authorization);
  if (!parts) return { cause: "A header of SignedHeaders is not in the request, or is there twice." };
  const candidates = withHostForms(parts);
  const genuine = candidates.some((candidate) =>
    equalInConstantTime(tc3Signature(candidate, secretKey), authorization.signature),
  );
  if (!genuine) return explainTc3Mismatch(candidates, authorization.signature, secretKey, request.body);
  return refuseScope(request, parts, products);
}

/** Both forms of the host are valid: official SDKs disagree about the port. */
function withHostForms(parts: Tc3Parts): [Tc3Parts, ...Tc3Parts[]] {
  const host = parts.headers.find(([name]) => name === "host")?.[1] ?? "";
  const [, ...others] = hostForms(host);
  const withHost = (form: string): Tc3Parts => ({
    ...parts,
    headers: parts.headers.map(([name, value]) => [name, name === "host" ? form : value] as const),
  });
  return [parts, ...others.map(withHost)];
}

/** A correctly signed scope can still be wrong. */
function refuseScope(
  request: ReceivedRequest,
  parts: Tc3Parts,
  products: readonly string[],
): SignatureMismatch | undefined {
  const rightDate = utcDate(Number(parts.timestamp));
  if (parts.date !== rightDate) {
    return {
      cause: `The scope's date is ${parts.date}, but X-TC-Timestamp is on ${rightDate} in UTC. Take the UTC date, not the local one.`,
    };
  }
  const label = hostLabel(headerValue(request, "host") ?? "");
  if (![...products, label].includes(parts.service)) {
    return { cause: `The scope's service is ${parts.service}; expected ${products.join(" or ")}.` };
  }
  return undefined;
}

/** A known mistake of signers: the cause when the signature fits the parts that the mistake produces. */
interface Suspicion {
  cause: string;
  parts: Tc3Parts;
  secretKey: string;
  /** The parts that should have been signed. */
  right: Tc3Parts;
}

/**
 * Tries the known mistakes in turn and returns the first that explains the received signature.
 * `candidates` are the received parts in all forms that the emulator accepts.
 */
function explainTc3Mismatch(
  candidates: readonly [Tc3Parts, ...Tc3Parts[]],
  signature: string,
  secretKey: string,
  body: Buffer,
): SignatureMismatch {
  const found = candidates
    .flatMap((right) => suspicions(right, secretKey, body))
    .find(({ parts, secretKey: key }) => equalInConstantTime(tc3Signature(parts, key), signature));
  const right = found?.right ?? candidates[0];
  const report = {
    cause:
      found?.cause ?? "No known mistake fits: another secret key, or the request was changed after signing.",
    canonicalRequest: tc3CanonicalRequest(withoutToken(right)),
    stringToSign: tc3StringToSign(right),
  };
  const difference = found && differenceBetween(right, found.parts);
  return difference ? { ...report, firstDifference: difference } : report;
}

function differenceBetween(right: Tc3Parts, signed: Tc3Parts): SignatureMismatch["firstDifference"] {
  return (
    firstDifference(tc3CanonicalRequest(withoutToken(right)), tc3CanonicalRequest(withoutToken(signed))) ??
    firstDifference(tc3StringToSign(right), tc3StringToSign(signed))
  );
}

/** The text goes to a log, so the token is left out. */
function withoutToken(parts: Tc3Parts): Tc3Parts {
  return { ...parts, headers: replaceHeader(parts, "x-tc-token", "[redacted]") };
}

function suspicions(right: Tc3Parts, secretKey: string, body: Buffer): Suspicion[] {
  const text = body.toString("latin1");
  const changed = (cause: string, change: Partial<Tc3Parts>): Suspicion => ({
    cause,
    secretKey,
    right,
    parts: { ...right, ...change },
  });
  const host = (value: string) =>
    changed(`Another host was signed: ${value}.`, { headers: replaceHeader(right, "host", value) });
  const contentType = (value: string) =>
    changed(
      `Another content-type was signed than was sent: ${value}. A library may have added or dropped a charset.`,
      {
        headers: replaceHeader(right, "content-type", value),
      },
    );
  const payload = (cause: string, signed: string) =>
    changed(cause, { payloadHash: sha256Hex(Buffer.from(signed, "latin1")) });
  const key = (cause: string, value: string): Suspicion => ({ cause, secretKey: value, right, parts: right });
  return [
    ...LIKELY_HOSTS.map(host),
    ...LIKELY_CONTENT_TYPES.map(contentType),
    payload("The body has trailing white space that was not signed.", text.trimEnd()),
    payload("The body was signed with a trailing newline that was not sent.", `${text}\n`),
    payload("The body was not signed: the payload hash is that of an empty text.", ""),
    payload(
      "The body was signed as UNSIGNED-PAYLOAD without saying so in X-TC-Content-SHA256.",
      "UNSIGNED-PAYLOAD",
    ),
    changed("The path was signed as an empty text; it is `/`.", { path: "" }),
    changed("The query string was not signed.", { query: "" }),
    changed("The query string was signed with a leading `?`.", { query: `?${right.query}` }),
    ...neighbours(right.date).map((date) =>
      changed(`Signed with the date ${date}: the signing key or the scope uses a local date.`, { date }),
    ),
    ...["cam", "sts"].map((service) =>
      changed(`Signed for the service ${service}, sent for another.`, { service }),
    ),
    changed("The timestamp was signed in milliseconds.", { timestamp: `${right.timestamp}000` }),
    ...[" ", "\n", "\r\n"].map((space) =>
      key("The secret key has trailing white space.", `${secretKey}${space}`),
    ),
    key("The secret key has leading white space.", ` ${secretKey}`),
  ];
}

const LIKELY_HOSTS = [
  "cam.tencentcloudapi.com",
  "cam.intl.tencentcloudapi.com",
  "sts.tencentcloudapi.com",
  "127.0.0.1",
  "localhost",
];
const LIKELY_CONTENT_TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "application/x-www-form-urlencoded",
];

function replaceHeader(parts: Tc3Parts, name: string, value: string): Tc3Parts["headers"] {
  return parts.headers.map((header) => (header[0] === name ? [name, value] : header));
}

function neighbours(date: string): string[] {
  const midday = Date.parse(`${date}T12:00:00Z`);
  if (Number.isNaN(midday)) return [];
  return [-1, 1].map((days) => new Date(midday + days * 86_400_000).toISOString().slice(0, 10));
}
