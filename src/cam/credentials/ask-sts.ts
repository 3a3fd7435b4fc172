import type { Clock } from "../../clock.ts";
import type { CamAction } from "../actions/cam-action.ts";
import type { CamClient } from "../cam-client.ts";
import { type Credential, CredentialError } from "./credential.ts";

/** For all attempts of one call to STS: nobody should wait longer for a key. */
const DEADLINE_MS = 10_000;

/** Stands in STS's own trail where a caller's request id stands otherwise: a key is loaded for many of them. */
const TRACE_ID = "credentials";

export interface StsAccess {
  readonly client: CamClient;
  readonly clock: Clock;
}

/** Asks STS for a temporary key. @throws CredentialError that has the refusal as its cause. */
export async function askSts<Input>(
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
