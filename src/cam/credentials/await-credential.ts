import type { Clock } from "../../clock.ts";
import { type Credential, CredentialError } from "./credential.ts";

/** A credential that is being loaded is no reason to answer later than was promised; the load itself goes on. */
export async function awaitCredential(
  loading: Promise<Credential>,
  clock: Clock,
  deadlineMs: number,
): Promise<Credential> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(Math.max(0, deadlineMs - clock.monotonic()), () =>
    reject(new CredentialError("The place of the key did not answer in time.")),
  );
  return Promise.race([loading, late]).finally(cancel);
}
