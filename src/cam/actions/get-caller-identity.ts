import { z } from "zod";
import { type CamAction, STS_VERSION } from "./cam-action.ts";

/** The owner of a key. */
export interface CallerIdentity {
  /** `CAMUser`, `CAMRole`, `RootAccount`… */
  readonly type: string | undefined;
  /** The account that owns the calling user. STS sends ids as strings. */
  readonly accountId: string | undefined;
  /** The calling user's Uin, or a role's session. */
  readonly principalId: string | undefined;
  readonly arn: string | undefined;
}

const text = z.string().nullish();
const responseSchema = z.object({ Type: text, AccountId: text, PrincipalId: text, Arn: text });

/** Gets the owner of the calling key from STS. This call is the cheapest check of a key, the clock and the network. */
export const getCallerIdentity: CamAction<void, CallerIdentity> = {
  name: "GetCallerIdentity",
  version: STS_VERSION,
  service: "sts",
  access: "read",
  serialize: () => "{}",
  parse: (response) => {
    const identity = responseSchema.parse(response);
    return {
      type: identity.Type ?? undefined,
      accountId: identity.AccountId ?? undefined,
      principalId: identity.PrincipalId ?? undefined,
      arn: identity.Arn ?? undefined,
    };
  },
};
