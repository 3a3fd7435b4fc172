import { PERSONAS, type PersonaName } from "./personas.ts";

/** Asks the demo identity provider for a token of a persona, by client credentials (RFC 6749, section 4.4). */
export async function requestToken(issuer: string, name: PersonaName): Promise<string> {
  const { secret, scope } = PERSONAS[name];
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${name}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope }),
  });
  const answer = (await response.json()) as { readonly access_token?: string };
  if (answer.access_token === undefined) throw new Error(`${issuer} answered ${response.status}.`);
  return answer.access_token;
}
