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
  /** The file of the mounted token, which the cluster replaces well before it expires. */
  readonly tokenFile: string;
}

export interface StsAccess {
  readonly client: CamClient;
  readonly clock: Clock;
}

/** Creates a provider of TKE's pod identity: the role of the service account. Reads the token file at every load. */
export function createWebIdentityProvider(identity: WebIdentity, sts: StsAccess): CredentialProvider {
  const { tokenFile, ...session } = identity;
  return {
    name: `web identity for ${session.roleArn}`,
    async load() {
      const token = await readWebIdentityToken(tokenFile);
      return assume(assumeRoleWithWebIdentity, { ...session, token }, sts);
    },
  };
}

/** Reads the token of a web identity. @throws CredentialError */
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

/** Creates a provider of a role, which the gateway assumes with the key of `sts`. */
export function createAssumeRoleProvider(session: RoleSession, sts: StsAccess): CredentialProvider {
  return { name: `role ${session.roleArn}`, load: () => assume(assumeRole, session, sts) };
}

/** The longest time of one call to STS, including its retries. */
const STS_DEADLINE_MS = 10_000;

/** Assumes a role. @throws CredentialError with the error of the call as its cause. */
async function assume<Input extends { readonly roleArn: string }>(
  action: CamAction<Input, Credential>,
  input: Input,
  { client, clock }: StsAccess,
): Promise<Credential> {
  const role = input.roleArn;
  try {
    // Many requests use one key, so the trace id does not name a request.
    const options = { deadlineMs: clock.monotonic() + STS_DEADLINE_MS, traceId: "credentials" };
    return { ...(await client.call(action, input, options)).output, role };
  } catch (cause) {
    throw new CredentialError(`STS gave no key for the role ${role}.`, { cause });
  }
}
