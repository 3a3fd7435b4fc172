/** Microsoft Entra ID names its issuers so, where the part in the middle is the tenant. */
const ENTRA = /^https:\/\/(?:sts\.windows\.net\/([^/]+)\/|login\.microsoftonline\.com\/([^/]+)\/v2\.0)$/;

/** Says why a name that looks like an expected one is another, for operators. Undefined where none looks like it. */
export function nearMiss(given: unknown, expected: readonly string[]): string | undefined {
  if (typeof given !== "string") return undefined;
  const differs = (fold: (name: string) => string): boolean =>
    expected.some((one) => fold(one) === fold(given));
  if (differs(withoutSlash)) return "They differ by a slash at the end.";
  if (differs((name) => withoutSlash(name.toLowerCase()))) return "They differ by capital letters.";
  if (differs((name) => name.replace(/^https?:\/\//, ""))) return "They differ by http and https.";
  if (differs((name) => tenantOf(name) ?? name)) {
    return "They are of one Entra tenant, as tokens of version 1 and of version 2 name it.";
  }
  return undefined;
}

function withoutSlash(name: string): string {
  return name.trim().replace(/\/$/, "");
}

function tenantOf(name: string): string | undefined {
  const [, first, second] = ENTRA.exec(name) ?? [];
  return first ?? second;
}
