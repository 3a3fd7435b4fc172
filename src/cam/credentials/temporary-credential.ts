import { z } from "zod";
import { Secret } from "../../secret.ts";
import type { Credential } from "./credential.ts";

const text = z.string().min(1);

const credentialsSchema = z.object({
  TmpSecretId: text,
  TmpSecretKey: text,
  Token: text,
});

/** Unix seconds. */
const expiredTime = z.union([z.number(), z.bigint()]).transform(Number);

const replySchema = z.object({ Credentials: credentialsSchema, ExpiredTime: expiredTime });

/** What both ways of assuming a role answer. */
export function parseStsCredentials(response: unknown): Credential {
  const { Credentials, ExpiredTime } = replySchema.parse(response);
  return temporaryCredential({ ...Credentials, ExpiredTime });
}

const metadataSchema = credentialsSchema.extend({ ExpiredTime: expiredTime, Code: z.literal("Success") });

/** What an instance's metadata service answers: the same facts without the envelope. */
export function parseMetadataCredentials(answer: unknown): Credential {
  return temporaryCredential(metadataSchema.parse(answer));
}

function temporaryCredential(
  fields: z.output<typeof credentialsSchema> & { readonly ExpiredTime: number },
): Credential {
  return {
    secretId: fields.TmpSecretId,
    secretKey: new Secret(fields.TmpSecretKey),
    token: new Secret(fields.Token),
    expiresAtMs: fields.ExpiredTime * 1000,
  };
}
