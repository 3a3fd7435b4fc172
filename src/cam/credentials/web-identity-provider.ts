import { Secret } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { assumeRoleWithWebIdentity } from "../actions/assume-role-with-web-identity.ts";
import { askSts, type StsAccess } from "./ask-sts.ts";
import { CredentialError, type CredentialProvider } from "./credential.ts";

export interface WebIdentity {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly providerId: string;
  /** The mounted token, which the cluster replaces well before it ends. */
  readonly tokenFile: string;
}

/** TKE's own identity for a pod: the role of its service account. The token is read anew at every load. */
export function createWebIdentityProvider(identity: WebIdentity, sts: StsAccess): CredentialProvider {
  const { tokenFile, ...session } = identity;
  return {
    name: `web identity for ${session.roleArn}`,
    async load() {
      const token = await readWebIdentityToken(tokenFile);
      return askSts(assumeRoleWithWebIdentity, { ...session, token }, session.roleArn, sts);
    },
  };
}

/** @throws CredentialError */
export async function readWebIdentityToken(path: string): Promise<Secret> {
  let text: string;
  try {
    text = (await readUtf8File(path)).trim();
  } catch (cause) {
    throw new CredentialError(`The web identity token ${path} ${whyUnreadable(cause)}.`, { cause });
  }
  if (text === "") throw new CredentialError(`The web identity token ${path} is empty.`);
  return new Secret(text);
}
