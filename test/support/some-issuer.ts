/** Without an issuer server mode does not start. This one has no keys that could be fetched. */
export const SOME_ISSUER = {
  AUTH_ISSUER: "https://issuer.example",
  AUTH_JWKS_URL: "https://issuer.example/keys",
  AUTH_AUDIENCE: "cam-mfa-gateway",
};
