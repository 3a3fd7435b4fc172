/** Returns a token in the form of a cluster's OIDC provider; the emulator checks no signature. */
export function webIdentityToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const whole = {
    iss: "https://oidc.example",
    sub: "system:serviceaccount:mfa:gateway",
    aud: ["sts"],
    ...claims,
  };
  return [part({ alg: "RS256", kid: "1" }), part(whole), "c2lnbmF0dXJl"].join(".");
}
