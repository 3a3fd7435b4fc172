/** The parts of `TC3-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. */
export interface Tc3Authorization {
  secretId: string;
  /** The scope: `date/service/tc3_request`. Some SDKs derive odd services from an endpoint, even with a colon inside. */
  date: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
}

const AUTHORIZATION = new RegExp(
  [
    "^TC3-HMAC-SHA256 +Credential=(?<secretId>[^/,\\s]+)/(?<date>\\d{4}-\\d{2}-\\d{2})/(?<service>[^/,\\s]+)/tc3_request",
    " *SignedHeaders=(?<signedHeaders>[^,\\s]+)",
    " *Signature=(?<signature>[0-9a-f]{64})$",
  ].join(","),
);

/** Undefined for anything that does not follow the vendor's rules, a header list without content-type or host included. */
export function parseTc3Authorization(text: string): Tc3Authorization | undefined {
  const groups = AUTHORIZATION.exec(text)?.groups;
  if (!groups) return undefined;
  const { secretId = "", date = "", service = "", signedHeaders = "", signature = "" } = groups;
  const names = signedHeaders.split(";");
  if (!followsListRules(names)) return undefined;
  return { secretId, date, service, signedHeaders: names, signature };
}

function followsListRules(names: readonly string[]): boolean {
  const ascending = names.every((name, at) => at === 0 || (names[at - 1] ?? "") < name);
  const lowerCase = names.every((name) => /^[a-z0-9-]+$/.test(name));
  return ascending && lowerCase && names.includes("content-type") && names.includes("host");
}
