import type { GraphQLResolveInfo } from "graphql";
import { Args, Ctx, Info, Mutation, Resolver } from "type-graphql";
import type { ChangeLog } from "../../audit/change-log.ts";
import type { ChangeService } from "../../changes/change-service.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { changeKey } from "./change-key.ts";
import { SetSubUserMfaArgs, toChangeRequest } from "./set-sub-user-mfa.args.ts";
import { AppliedChange, SetSubUserMfaPayload, SetSubUserMfaResult } from "./set-sub-user-mfa.type.ts";

@Resolver()
export class SetSubUserMfaResolver {
  readonly #changes: Pick<ChangeService, "setSubUserMfa">;
  readonly #log: Pick<ChangeLog, "find">;

  constructor(deps: {
    readonly changes: Pick<ChangeService, "setSubUserMfa">;
    readonly log: Pick<ChangeLog, "find">;
  }) {
    this.#changes = deps.changes;
    this.#log = deps.log;
  }

  @RequiresScope("cam.mfa:write")
  @CamCalls(2)
  @Mutation(() => SetSubUserMfaPayload, {
    // Nullable, so that a failed change does not hide the outcome of others in the same operation.
    nullable: true,
    description:
      "Switches login and operation protection of a sub-user. A business error is thrown: the field is null, and " +
      "`errors[].extensions.code` is a CamErrorCode.",
  })
  async setSubUserMfa(
    @Args(() => SetSubUserMfaArgs) args: SetSubUserMfaArgs,
    @Ctx() context: GraphQLContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SetSubUserMfaPayload> {
    const idempotencyKey = changeKey(context, info);
    const loaders = context.loaders.ofChange(args.account);
    const outcome = await this.#changes
      .setSubUserMfa(toChangeRequest(args), { ...context, idempotencyKey })
      .finally(() => loaders?.forgetFlags(args.opUin));
    if (loaders === undefined) throw new Error("A change was made in an unknown account.");
    return new AppliedChange(outcome, context.requestId, { opUin: args.opUin, loaders, log: this.#log });
  }

  /** failuresAsData turns the errors of this field into data. */
  @RequiresScope("cam.mfa:write")
  @CamCalls(2)
  @Mutation(() => SetSubUserMfaResult, {
    description: "Like `setSubUserMfa`, with a business error as data instead of thrown.",
  })
  async trySetSubUserMfa(
    @Args(() => SetSubUserMfaArgs) args: SetSubUserMfaArgs,
    @Ctx() context: GraphQLContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SetSubUserMfaPayload> {
    return this.setSubUserMfa(args, context, info);
  }
}
