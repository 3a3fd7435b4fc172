import { fileURLToPath } from "node:url";

/** An issuer for server mode, which does not start without one. It serves no keys. */
export const SOME_ISSUER = {
  AUTH_ISSUER: "https://issuer.example",
  AUTH_JWKS_URL: "https://issuer.example/keys",
  AUTH_AUDIENCE: "cam-mfa-gateway",
};

/** A policy for server mode, which does not start without one. Only scopes decide. */
export const SOME_POLICY = {
  POLICY_FILE: fileURLToPath(new URL("allow-everything.yaml", import.meta.url)),
};
