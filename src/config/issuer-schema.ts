import { z } from "zod";
import { type IssuerSettings, SIGNING_ALGORITHMS } from "../auth/issuer-settings.ts";
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

/** One issuer as AUTH_ISSUERS_FILE has it, and as the variables for a single one are put together. */
export const issuerSchema = z
  .strictObject({
    issuer: text,
    jwksUrl: text.refine(isSafeUrl, "must be an https URL (http on this machine alone)").optional(),
    jwksFile: text.optional(),
    audience: z.union([text.transform((one) => [one]), z.array(text).min(1)], {
      error:
        "must be a text or a list of texts: whom the tokens are meant for, such as the gateway's own name",
    }),
    algorithms: z.array(algorithm).min(1).default(["RS256", "PS256", "ES256", "EdDSA"]),
    clockToleranceS: z.int().min(0).max(300).default(10),
    requiredClaims: z.array(text).default([]),
    scopeClaim: text.default("scope"),
    roleClaim: text.optional(),
    roleScopes: z.record(z.string(), z.array(scope)).default({}),
  })
  .refine(({ jwksUrl, jwksFile }) => (jwksUrl === undefined) !== (jwksFile === undefined), {
    path: ["jwksUrl"],
    error: "or its counterpart for a file has to be set, and not both: where the issuer's public keys are",
    // Said even where something else is wrong as well.
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .refine(({ roleClaim, roleScopes }) => roleClaim !== undefined || Object.keys(roleScopes).length === 0, {
    path: ["roleScopes"],
    error: "has no meaning without roleClaim",
  })
  .transform(
    ({ jwksUrl, jwksFile, audience, roleClaim, ...same }): IssuerSettings => ({
      ...same,
      audiences: audience,
      roleClaim,
      keys: jwksUrl === undefined ? { file: jwksFile ?? "" } : { url: jwksUrl },
    }),
  );

/** Whoever can change what is answered chooses the keys, so nobody may be on the way. */
function isSafeUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (
    protocol === "https:" || (protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}
