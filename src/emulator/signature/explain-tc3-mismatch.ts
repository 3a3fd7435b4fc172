import { equalInConstantTime, firstDifference, type SignatureMismatch } from "./signature-mismatch.ts";
import { sha256Hex, type Tc3Parts, tc3CanonicalRequest, tc3Signature, tc3StringToSign } from "./tc3-parts.ts";

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
export function explainTc3Mismatch(
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
