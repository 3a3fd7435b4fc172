import { z } from "zod";
import { SCOPES } from "./caller.ts";

/** The signature algorithms of tokens. All are asymmetric, so a holder of the public key cannot sign. */
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

/**
 * The place of an issuer's public keys: a JSON Web Key Set at a URL or in a file, or the place that discovery finds.
 */
export type JwksSource =
  | { readonly url: string }
  | { readonly file: string }
  /** The issuer's URL. Its OpenID Connect Discovery document names the URL of the keys. */
  | { readonly discoverAt: string };

const text = z.string().trim().min(1, "must not be empty");

const algorithm = z.enum(SIGNING_ALGORITHMS, {
  error: ({ input }) =>
    `has ${JSON.stringify(input)}, which is none of ${SIGNING_ALGORITHMS.join(", ")}. With other algorithms, more ` +
    "parties than the issuer could sign",
});

const scope = z.enum(SCOPES, {
  error: ({ input }) => `has ${JSON.stringify(input)}, which is none of ${SCOPES.join(", ")}`,
});

/** Runs a check even if another setting is wrong. */
const ALWAYS_REPORTED = {
  when: ({ value }: { readonly value: unknown }) => typeof value === "object" && value !== null,
};

const scopePrefix = text.refine((one) => !/\s/.test(one), "must not contain spaces, as scopes do not");

/** The schema of one issuer in AUTH_ISSUERS_FILE. It also checks the issuer that the AUTH_* variables describe. */
export const issuerSchema = z
  .strictObject({
    /** The exact `iss` of its tokens. */
    issuer: text,
    jwksUrl: text.refine(isSafeUrl, "must be an https URL (http only on this machine)").optional(),
    jwksFile: text.optional(),
    /** The services whose tokens the gateway accepts. */
    audience: z.union([text.transform((one) => [one]), z.array(text).min(1)], {
      error: ({ input }) =>
        `${input === undefined ? "is not set" : "must be a text or a list of texts"}: the service that the tokens are ` +
        "meant for, such as the gateway's own name",
    }),
    /** The claim that names the service. In the name of a claim, a dot selects a member of an object. */
    audienceClaim: text.default("aud"),
    algorithms: z.array(algorithm).min(1).default(["RS256", "PS256", "ES256", "EdDSA"]),
    /** The tolerated difference between the issuer's clock and the gateway's. */
    clockToleranceS: z.int().min(0).max(300).default(10),
    /** Claims that tokens need, in addition to `iss`, `sub`, `aud` and `exp`. */
    requiredClaims: z.array(text).default([]),
    /** The claims that may name the client. The first one in a token decides. */
    clientClaims: z.array(text).min(1, "names no claim").default(["azp", "client_id", "cid", "appid"]),
    /** The claim with the scopes: words in one text, or a list. */
    scopeClaim: text.default("scope"),
    /** Texts that the issuer puts before scopes of the gateway, for example `mfa-api/`. */
    scopePrefixes: z.array(scopePrefix).default([]),
    /** The claim with roles, for issuers without scopes. A role named like a scope gives that scope. */
    roleClaim: text.optional(),
    /** The scopes that other roles give. */
    roleScopes: z.record(z.string(), z.array(scope)).default({}),
  })
  .refine(({ jwksUrl, jwksFile }) => jwksUrl === undefined || jwksFile === undefined, {
    path: ["jwksUrl"],
    error: "and jwksFile cannot both be set",
    ...ALWAYS_REPORTED,
  })
  .refine(
    ({ issuer, jwksUrl, jwksFile }) => jwksUrl !== undefined || jwksFile !== undefined || isSafeUrl(issuer),
    {
      path: ["jwksUrl"],
      error: "or jwksFile must be set: the issuer is not an https URL, so discovery cannot find its keys",
      ...ALWAYS_REPORTED,
    },
  )
  .refine(({ roleClaim, roleScopes }) => roleClaim !== undefined || Object.keys(roleScopes).length === 0, {
    path: ["roleScopes"],
    error: "has no meaning without roleClaim",
  })
  .transform(({ jwksUrl, jwksFile, audience, roleClaim, ...same }) => ({
    ...same,
    audiences: audience,
    roleClaim,
    keys: jwksSourceOf(same.issuer, jwksUrl, jwksFile),
  }));

/** An issuer that the gateway trusts, and how to read its tokens. */
export type IssuerSettings = z.output<typeof issuerSchema>;

function jwksSourceOf(issuer: string, url: string | undefined, file: string | undefined): JwksSource {
  if (url !== undefined) return { url };
  return file === undefined ? { discoverAt: issuer } : { file };
}

/**
 * Returns whether a URL protects its content, such as keys, from changes in transit: https, or http on this machine.
 */
export function isSafeUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (
    protocol === "https:" || (protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}
