import { shown } from "./claim-mismatch.ts";
import { isSafeUrl } from "./issuer-settings.ts";
import { nearMiss } from "./near-miss.ts";

/**
 * The address of the keys of an issuer, by its description of itself. @throws Error where that is of no use.
 *
 * https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
 */
export function readDiscovery(text: string, issuer: string): string {
  const { issuer: described, jwks_uri: place } = parseObject(text);
  // Section 4.3: whoever is described has to be who was asked.
  if (described !== issuer) {
    const names = `It describes another issuer, ${shown(described)}, than ${issuer}.`;
    throw new Error([names, nearMiss(described, [issuer])].filter(Boolean).join(" "));
  }
  // An issuer elsewhere must not send us to the ports of this machine.
  const isElsewhere = issuer.startsWith("https:");
  if (typeof place === "string" && isSafeUrl(place) && !(isElsewhere && place.startsWith("http:")))
    return place;
  throw new Error("It has no https URL as jwks_uri.");
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What it could not read is quoted by the parser, and is nobody's affair.
  }
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new Error("It is no JSON object.");
}
