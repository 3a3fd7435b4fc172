import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "cam-mfa-gateway";

/** Creates an issuer of tokens with its public keys in a file. */
export async function createIssuer(parts: AsyncDisposableStack) {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const jwksFile = join(folder, "keys.json");
  await writeFile(jwksFile, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "key-1" }] }));
  return {
    jwksFile,
    sign: (subject: string): Promise<string> =>
      new SignJWT({ scope: "openid profile cam.mfa:read cam.mfa:write", azp: "portal" })
        .setProtectedHeader({ alg: "RS256", kid: "key-1", typ: "at+jwt" })
        .setIssuer(ISSUER)
        .setSubject(`${subject}@example.com`)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(privateKey),
  };
}
