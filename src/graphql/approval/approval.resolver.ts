import { Args, ArgsType, Ctx, Field, ID, Mutation, Resolver } from "type-graphql";
import type { ChangeLog } from "../../audit/change-log.ts";
import type { ChangeService } from "../../changes/change-service.ts";
import { GatewayError } from "../../contract/index.ts";
import { LONGEST_REASON, toReason } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { AppliedChange, SetSubUserMfaPayload, SetSubUserMfaResult } from "../mfa/set-sub-user-mfa.type.ts";
import { MfaChange, toMfaChange } from "../mfa-change/mfa-change.type.ts";

/** The arguments of what is decided of a change that awaits approval. */
@ArgsType()
class DecisionArgs {
  @Field(() => ID, { description: "The change: `changeId` of APPROVAL_REQUIRED." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `Why, for the record: at most ${LONGEST_REASON} characters.`,
  })
  reason?: string | null;
}

interface ApprovalResolverDeps {
  readonly changes: Pick<ChangeService, "approve" | "reject">;
  readonly log: Pick<ChangeLog, "find">;
}

@Resolver()
export class ApprovalResolver {
  readonly #deps: ApprovalResolverDeps;

  constructor(deps: ApprovalResolverDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.mfa:approve")
  @CamCalls(2)
  @Mutation(() => SetSubUserMfaPayload, {
    nullable: true,
    description:
      "Makes a change that another caller has asked for and that awaits approval: with the user as they are now, and " +
      "answered as `setSubUserMfa` answers. Of one that was approved already it says what became of it.",
  })
  async approveMfaChange(
    @Args(() => DecisionArgs) { id, reason }: DecisionArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<SetSubUserMfaPayload> {
    const { changes, log } = this.#deps;
    const why = toReason(reason);
    const record = await log.find(id);
    if (record === undefined) throw new GatewayError("CHANGE_NOT_FOUND");
    const { account, opUin } = record;
    const loaders = context.loaders.ofChange(account);
    const outcome = await changes.approve(record, why, context).finally(() => loaders?.forgetFlags(opUin));
    if (loaders === undefined) throw new Error("A change was made in an account that there is not.");
    return new AppliedChange(outcome, context.requestId, { opUin, loaders, log });
  }

  /** Its failures become data on the way out: failuresAsData. */
  @RequiresScope("cam.mfa:approve")
  @CamCalls(2)
  @Mutation(() => SetSubUserMfaResult, {
    description: "The same approval, with a business error as data instead of thrown.",
  })
  async tryApproveMfaChange(
    @Args(() => DecisionArgs) args: DecisionArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<SetSubUserMfaPayload> {
    return this.approveMfaChange(args, context);
  }

  @RequiresScope("cam.mfa:approve", "cam.mfa:write")
  @Mutation(() => MfaChange, {
    // Of several mutations in one operation, one that fails must not hide what became of the others.
    nullable: true,
    description:
      "Ends the wait of a change for approval: nothing is changed. Whoever asked for it withdraws it so; others need the " +
      "scope cam.mfa:approve. A business error is thrown.",
  })
  async rejectMfaChange(
    @Args(() => DecisionArgs) { id, reason }: DecisionArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaChange> {
    const why = toReason(reason);
    return toMfaChange(await this.#deps.changes.reject(await this.#deps.log.find(id), why, context));
  }
}
