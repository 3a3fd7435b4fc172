import { z } from "zod";
import { isSafeUrl } from "../auth/is-safe-url.ts";
import { type IssuerSettings, type KeyPlace, SIGNING_ALGORITHMS } from "../auth/issuer-settings.ts";
import { SCOPES } from "../auth/scope.ts";

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
