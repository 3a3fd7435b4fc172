import type { ChangeLog } from "../../audit/change-log.ts";
import type { MfaChangeOutcome } from "../../changes/mfa-change.ts";
import type { Uin } from "../../contract/index.ts";
import type { Loaders } from "../loaders.ts";
import type { MfaChange } from "../mfa-change/mfa-change.type.ts";
import { toMfaChange } from "../mfa-change/mfa-change.type.ts";
import { LazySubUser } from "../sub-user/sub-user.type.ts";
import type { SetSubUserMfaPayload } from "./set-sub-user-mfa.type.ts";

/** A change that is in force. Its record and its user are read when, and only if, an operation selects them. */
export class AppliedChange implements SetSubUserMfaPayload {
  readonly requestId: string;
  readonly resolvedBy: MfaChangeOutcome["resolvedBy"];
  readonly subUser: LazySubUser;
  readonly #changeId: string;
  readonly #log: Pick<ChangeLog, "find">;

  constructor(opUin: Uin, outcome: MfaChangeOutcome, loaders: Loaders, log: Pick<ChangeLog, "find">) {
    this.requestId = outcome.camRequestId;
    this.resolvedBy = outcome.resolvedBy;
    this.subUser = new LazySubUser(opUin, loaders);
    this.#changeId = outcome.changeId;
    this.#log = log;
  }

  get change(): Promise<MfaChange | undefined> {
    return this.#log.find(this.#changeId).then((record) => record && toMfaChange(record));
  }
}
