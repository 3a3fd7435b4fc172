/** An issuer for server mode, which does not start without one. It serves no keys. */
export const SOME_ISSUER = {
  AUTH_ISSUER: "https://issuer.example",
  AUTH_JWKS_URL: "https://issuer.example/keys",
  AUTH_AUDIENCE: "cam-mfa-gateway",
};
