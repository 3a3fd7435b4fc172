import DataLoader from "dataloader";
import {
  type CamClient,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  MAX_SUB_ACCOUNTS_PER_CALL,
  type SafeAuthFlags,
  type SubAccount,
} from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";

/** Reads of CAM that one operation shares. They live as long as the operation, and never hold an earlier one's answer. */
export interface Loaders {
  /** Undefined where CAM has no such sub-user. 50 Uins share one call. */
  readonly profile: DataLoader<Uin, SubAccount | undefined>;
  /** One call a user, for CAM has no batch form; the quota spaces them. */
  readonly flags: DataLoader<Uin, SafeAuthFlags>;
}

export interface LoaderOptions {
  readonly requestId: string;
  /** Names the caller to the quota, which is fair between callers. */
  readonly caller: string;
  readonly deadlineMs: number;
}

export function createLoaders(cam: CamClient, { requestId, caller, deadlineMs }: LoaderOptions): Loaders {
  const options = { traceId: requestId, deadlineMs, caller };
  return {
    profile: new DataLoader(
      async (uins: readonly Uin[]) => {
        const { output: users } = await cam.call(describeSubAccounts, { uins }, options);
        const byUin = new Map(users.map((user) => [user.uin, user]));
        return uins.map((uin) => byUin.get(uin));
      },
      { maxBatchSize: MAX_SUB_ACCOUNTS_PER_CALL },
    ),
    flags: new DataLoader(
      async ([uin]: readonly Uin[]) => {
        if (uin === undefined) return [];
        const { output } = await cam.call(describeSafeAuthFlagColl, { subUin: uin }, options);
        return [output];
      },
      { batch: false },
    ),
  };
}
