import { utcDate } from "../wire/read-call.ts";
import { headerValue, type ReceivedRequest } from "../wire/received-request.ts";
import { explainTc3Mismatch } from "./explain-tc3-mismatch.ts";
import type { SignatureMismatch } from "./signature-mismatch.ts";
import { equalInConstantTime, hostForms, hostLabel } from "./signature-mismatch.ts";
import type { Tc3Authorization } from "./tc3-parts.ts";
import { readTc3Parts, type Tc3Parts, tc3Signature } from "./tc3-parts.ts";

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
