/** A caller of the demo stack: a client of its identity provider. */
export interface Persona {
  /** Works in the demo stack only. */
  readonly secret: string;
  /** The scopes of its tokens (docs/operators/authentication.md). */
  readonly scope: string;
}

/** The callers of the demo stack by their names. deploy/compose/policy.yaml says what each of them may change. */
export const PERSONAS = {
  clerk: {
    secret: "clerk-demo-only",
    scope: "cam.mfa:read cam.mfa:write cam.directory:read cam.rollout:read cam.rollout:write",
  },
  approver: {
    secret: "approver-demo-only",
    scope: "cam.mfa:read cam.mfa:write cam.mfa:approve cam.audit:read cam.directory:read cam.rollout:read",
  },
  operator: {
    secret: "operator-demo-only",
    scope: "cam.mfa:read cam.quota:read cam.callers:resume cam.directory:read cam.directory:scan",
  },
  auditor: { secret: "auditor-demo-only", scope: "cam.audit:read cam.directory:read" },
} as const satisfies Readonly<Record<string, Persona>>;

export type PersonaName = keyof typeof PERSONAS;

/** The gateway's name at the identity provider. */
export const AUDIENCE = "cam-mfa-gateway";

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
