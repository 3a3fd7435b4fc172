import type { JWTHeaderParameters, JWTPayload } from "jose";

/** The `typ` of the header of a token for an API. Logout tokens and proofs of possession are signed with the same keys. */
const ACCESS_TYPES: readonly unknown[] = [undefined, "jwt", "at+jwt", "application/at+jwt"];

/** Claims that only ID tokens have: the hash of the access token or code beside them. */
const ONLY_IN_ID_TOKENS = ["at_hash", "c_hash"];

/** How issuers that mark tokens in the claims mark other kinds: Keycloak by `typ`, Amazon Cognito by `token_use`. */
const OTHER_KINDS: Readonly<Record<string, readonly unknown[]>> = {
  typ: ["ID", "Refresh", "Offline", "Logout"],
  token_use: ["id"],
};

/** Whether a verified token is one for an API. Issuers sign tokens of other kinds with the same keys. */
export function isAccessToken({ typ }: JWTHeaderParameters, claims: JWTPayload): boolean {
  return (
    ACCESS_TYPES.includes(typeof typ === "string" ? typ.toLowerCase() : typ) &&
    !ONLY_IN_ID_TOKENS.some((claim) => claims[claim] !== undefined) &&
    !Object.entries(OTHER_KINDS).some(([claim, kinds]) => kinds.includes(claims[claim]))
  );
}
