import { z } from "zod";
import { refusals } from "../refusals.ts";

const headerSchema = z.looseObject({ alg: z.string().regex(/^(RS|ES|PS)\d{3}$/) });
const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().min(1),
  aud: z.union([z.string(), z.array(z.string()).min(1)]),
  exp: z.number(),
});

/** Checks a token's form and its end. Its signature is not: the emulator knows no provider's keys. */
export function refuseWebIdentity(token: string, nowMs: number): void {
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) {
    throw refusals.webIdentityToken("is not a JSON Web Token");
  }
  const [header = "", claims = ""] = parts;
  if (!headerSchema.safeParse(decode(header)).success) {
    throw refusals.webIdentityToken("names no algorithm with a public key");
  }
  const parsed = claimsSchema.safeParse(decode(claims));
  if (!parsed.success) throw refusals.webIdentityToken("lacks iss, sub, aud or exp");
  if (parsed.data.exp * 1000 <= nowMs) throw refusals.webIdentityToken("has expired");
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
