import { Args, Ctx, Mutation, Resolver } from "type-graphql";
import type { ChangeService } from "../../changes/change-service.ts";
import type { CamFailure } from "../cam-error/cam-failure.type.ts";
import type { GraphQLContext } from "../context.ts";
import { describeFailure } from "../failure.ts";
import { UnreadSubUser } from "../sub-user/unread-sub-user.ts";
import { SetSubUserMfaArgs, toChangeRequest } from "./set-sub-user-mfa.args.ts";
import { SetSubUserMfaPayload, SetSubUserMfaResult } from "./set-sub-user-mfa.type.ts";

@Resolver()
export class SetSubUserMfaResolver {
  readonly #changes: Pick<ChangeService, "setSubUserMfa">;

  constructor(deps: { readonly changes: Pick<ChangeService, "setSubUserMfa"> }) {
    this.#changes = deps.changes;
  }

  @Mutation(() => SetSubUserMfaPayload, {
    description:
      "Switches login and operation protection of a sub-user. A business error is thrown: see CamErrorCode for " +
      "`errors[].extensions.code`.",
  })
  async setSubUserMfa(
    @Args(() => SetSubUserMfaArgs) args: SetSubUserMfaArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<SetSubUserMfaPayload> {
    const { resolvedBy, camRequestId } = await this.#changes.setSubUserMfa(toChangeRequest(args), context);
    // What this operation read of the user before is no longer so.
    context.loaders.flags.clear(args.opUin);
    return { resolvedBy, requestId: camRequestId, subUser: new UnreadSubUser(args.opUin, context.loaders) };
  }

  @Mutation(() => SetSubUserMfaResult, {
    description: "The same change, with a business error as data instead of thrown.",
  })
  async trySetSubUserMfa(
    @Args(() => SetSubUserMfaArgs) args: SetSubUserMfaArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<SetSubUserMfaPayload | CamFailure> {
    try {
      return await this.setSubUserMfa(args, context);
    } catch (error) {
      const failure = describeFailure(error, { requestId: context.requestId, opUin: args.opUin });
      if (failure === undefined) throw error;
      const { code, category, retryable, retryAfterMs, requestId, cam } = failure.extensions;
      return {
        code,
        category,
        retryable,
        retryAfterMs,
        requestId,
        message: failure.message,
        camCode: cam?.code,
        camAction: cam?.action,
        camRequestId: cam?.requestId,
      };
    }
  }
}
