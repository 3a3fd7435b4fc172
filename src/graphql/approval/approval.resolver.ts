import { Args, ArgsType, Ctx, Field, ID, Mutation, Resolver } from "type-graphql";
import type { ChangeStore } from "../../audit/change-store.ts";
import type { ChangeService } from "../../changes/change-service.ts";
import { GatewayError } from "../../contract/index.ts";
import { LONGEST_REASON, toReason } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import {
  AppliedChange,
  SetSubUserMfaPayload,
  SetSubUserMfaResult,
} from "../mfa/set-sub-user-mfa.resolver.ts";
import { MfaChange, toMfaChange } from "../mfa-change/mfa-change.type.ts";

/** The arguments of a decision about a change that awaits approval. */
@ArgsType()
class DecisionArgs {
  @Field(() => ID, { description: "The id of the change: `changeId` of the error APPROVAL_REQUIRED." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `The reason for the record, at most ${LONGEST_REASON} characters.`,
  })
  reason?: string | null;
}

interface ApprovalResolverDeps {
  readonly changes: Pick<ChangeService, "approve" | "reject">;
  readonly changeStore: Pick<ChangeStore, "find">;
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
      "Approves and makes a change that another caller requested. The change starts from the user's present " +
      "protections. Returns the same type as `setSubUserMfa`. If the change is already approved, returns its outcome.",
  })
  async approveMfaChange(
    @Args(() => DecisionArgs) { id, reason }: DecisionArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<SetSubUserMfaPayload> {
    const { changes, changeStore } = this.#deps;
    const why = toReason(reason);
    const record = await changeStore.find(id);
    if (record === undefined) throw new GatewayError("CHANGE_NOT_FOUND");
    const { account, opUin } = record;
    const loaders = context.loaders.ofChange(account);
    const outcome = await changes.approve(record, why, context).finally(() => loaders?.forgetFlags(opUin));
    if (loaders === undefined) throw new Error("A change was made in an unknown account.");
    return new AppliedChange(outcome, context.requestId, { opUin, loaders, changeStore });
  }

  /** failuresAsData turns the errors of this field into data. */
  @RequiresScope("cam.mfa:approve")
  @CamCalls(2)
  @Mutation(() => SetSubUserMfaResult, {
    description: "Like `approveMfaChange`, with a business error as data instead of thrown.",
  })
  async tryApproveMfaChange(
    @Args(() => DecisionArgs) args: DecisionArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<SetSubUserMfaPayload> {
    return this.approveMfaChange(args, context);
  }

  @RequiresScope("cam.mfa:approve", "cam.mfa:write")
  @Mutation(() => MfaChange, {
    // Nullable, so that a failed mutation does not hide the outcome of others in the same operation.
    nullable: true,
    description:
      "Rejects a change that awaits approval, or withdraws the caller's own. The user stays unchanged. Rejecting " +
      "another caller's change requires the scope cam.mfa:approve. A business error is thrown.",
  })
  async rejectMfaChange(
    @Args(() => DecisionArgs) { id, reason }: DecisionArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaChange> {
    const why = toReason(reason);
    return toMfaChange(await this.#deps.changes.reject(await this.#deps.changeStore.find(id), why, context));
  }
}
