import type { Clock } from "../../clock.ts";
import { Secret } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { assumeRole, assumeRoleWithWebIdentity, type RoleSession } from "../actions/assume-role.ts";
import type { CamAction } from "../actions/cam-action.ts";
import type { CamClient } from "../cam-client.ts";
import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";

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

/** A role of STS, assumed with the key that `sts` signs with. */
export function createAssumeRoleProvider(session: RoleSession, sts: StsAccess): CredentialProvider {
  const { roleArn } = session;
  return { name: `role ${roleArn}`, load: () => askSts(assumeRole, session, roleArn, sts) };
}

/** For all attempts of one call to STS: nobody should wait longer for a key. */
const DEADLINE_MS = 10_000;

/** Stands in STS's own trail where a caller's request id stands otherwise: a key is loaded for many of them. */
const TRACE_ID = "credentials";

export interface StsAccess {
  readonly client: CamClient;
  readonly clock: Clock;
}

/** Asks STS for a temporary key. @throws CredentialError that has the refusal as its cause. */
async function askSts<Input>(
  action: CamAction<Input, Credential>,
  input: Input,
  roleArn: string,
  { client, clock }: StsAccess,
): Promise<Credential> {
  try {
    const options = { deadlineMs: clock.monotonic() + DEADLINE_MS, traceId: TRACE_ID };
    return { ...(await client.call(action, input, options)).output, role: roleArn };
  } catch (cause) {
    throw new CredentialError(`STS gave no key for the role ${roleArn}.`, { cause });
  }
}
