/** Shorter texts are no secrets, and would blot out half the output. */
const SHORTEST_SECRET = 8;

/** The text without the values of these headers, which a router may have repeated in an error. */
export function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/).slice(1)])
    .filter((secret) => secret.length >= SHORTEST_SECRET);
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}
