import { z } from "zod";
import { SCOPES, type Scope } from "./caller.ts";

/** What can sign a token: with any of these, who knows the public key cannot sign. */
const SIGNING_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Where an issuer's public keys are: a JSON Web Key Set at an address, in a file, or where the issuer says itself. */
export type KeyPlace =
  | { readonly url: string }
  | { readonly file: string }
  /** The issuer's own name, below which it describes itself (OpenID Connect Discovery). */
  | { readonly discoverAt: string };

/** Whose tokens are believed, and how they are read. */
export interface IssuerSettings {
  /** The `iss` of its tokens, to the letter. */
  readonly issuer: string;
  readonly keys: KeyPlace;
  /** A token has to be meant for one of these. */
  readonly audiences: readonly string[];
  /** The claim that says for whom a token is meant. A dot leads into an object. */
  readonly audienceClaim: string;
  /** The claims that may name the client. The first one that a token has decides. A dot leads into an object. */
  readonly clientClaims: readonly string[];
  readonly algorithms: readonly SigningAlgorithm[];
  /** How far the issuer's clock may be from ours. */
  readonly clockToleranceS: number;
  /** Claims without which a token is refused, beside `iss`, `sub`, `aud` and `exp`. */
  readonly requiredClaims: readonly string[];
  /** The claim with the scopes: words in one text, or a list. A dot leads into an object. */
  readonly scopeClaim: string;
  /** Texts that the issuer puts in front of our scopes, for example `mfa-api/`. */
  readonly scopePrefixes: readonly string[];
  /** The claim with roles, for issuers that have no scopes; a role that is called like a scope is that scope. */
  readonly roleClaim: string | undefined;
  /** What further roles stand for. */
  readonly roleScopes: Readonly<Record<string, readonly Scope[]>>;
}

const text = z.string().trim().min(1, "must not be empty");

const algorithm = z.enum(SIGNING_ALGORITHMS, {
  error: ({ input }) =>
    `has ${JSON.stringify(input)}, which is none of ${SIGNING_ALGORITHMS.join(", ")}. With any other, somebody ` +
    "beside the issuer could sign",
});

const scope = z.enum(SCOPES, {
  error: ({ input }) => `has ${JSON.stringify(input)}, which is none of ${SCOPES.join(", ")}`,
});

const SAID_BESIDE_OTHERS = {
  when: ({ value }: { readonly value: unknown }) => typeof value === "object" && value !== null,
};

const scopePrefix = text.refine((one) => !/\s/.test(one), "must not contain spaces, as scopes do not");

/** One issuer as AUTH_ISSUERS_FILE has it, and as the variables for a single one are put together. */
export const issuerSchema = z
  .strictObject({
    issuer: text,
    jwksUrl: text.refine(isSafeUrl, "must be an https URL (http on this machine alone)").optional(),
    jwksFile: text.optional(),
    audience: z.union([text.transform((one) => [one]), z.array(text).min(1)], {
      error: ({ input }) =>
        `${input === undefined ? "is not set" : "must be a text or a list of texts"}: whom the tokens are meant for, ` +
        "such as the gateway's own name",
    }),
    audienceClaim: text.default("aud"),
    algorithms: z.array(algorithm).min(1).default(["RS256", "PS256", "ES256", "EdDSA"]),
    clockToleranceS: z.int().min(0).max(300).default(10),
    requiredClaims: z.array(text).default([]),
    clientClaims: z.array(text).min(1, "names no claim").default(["azp", "client_id", "cid", "appid"]),
    scopeClaim: text.default("scope"),
    scopePrefixes: z.array(scopePrefix).default([]),
    roleClaim: text.optional(),
    roleScopes: z.record(z.string(), z.array(scope)).default({}),
  })
  .refine(({ jwksUrl, jwksFile }) => jwksUrl === undefined || jwksFile === undefined, {
    path: ["jwksUrl"],
    error: "and jwksFile cannot both be set",
    ...SAID_BESIDE_OTHERS,
  })
  .refine(
    ({ issuer, jwksUrl, jwksFile }) => jwksUrl !== undefined || jwksFile !== undefined || isSafeUrl(issuer),
    {
      path: ["jwksUrl"],
      error:
        "or jwksFile has to be set: the issuer is no https URL at which it could be asked where its keys are",
      ...SAID_BESIDE_OTHERS,
    },
  )
  .refine(({ roleClaim, roleScopes }) => roleClaim !== undefined || Object.keys(roleScopes).length === 0, {
    path: ["roleScopes"],
    error: "has no meaning without roleClaim",
  })
  .transform(
    ({ jwksUrl, jwksFile, audience, roleClaim, ...same }): IssuerSettings => ({
      ...same,
      audiences: audience,
      roleClaim,
      keys: placeOf(same.issuer, jwksUrl, jwksFile),
    }),
  );

function placeOf(issuer: string, url: string | undefined, file: string | undefined): KeyPlace {
  if (url !== undefined) return { url };
  return file === undefined ? { discoverAt: issuer } : { file };
}

/** Whether nobody is on the way to it: whoever can change what is answered there chooses the keys. */
export function isSafeUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (
    protocol === "https:" || (protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}
