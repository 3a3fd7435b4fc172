import { assumeRole, type RoleSession } from "../actions/assume-role.ts";
import { askSts, type StsAccess } from "./ask-sts.ts";
import type { CredentialProvider } from "./credential.ts";

/** A role of STS, assumed with the key that `sts` signs with. */
export function createAssumeRoleProvider(session: RoleSession, sts: StsAccess): CredentialProvider {
  const { roleArn } = session;
  return { name: `role ${roleArn}`, load: () => askSts(assumeRole, session, roleArn, sts) };
}
