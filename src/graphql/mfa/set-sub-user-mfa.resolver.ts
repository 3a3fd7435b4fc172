import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from "graphql";
import {
  Args,
  ArgsType,
  Ctx,
  createUnionType,
  Field,
  Info,
  Mutation,
  ObjectType,
  Resolver,
} from "type-graphql";
import type { ChangeStore } from "../../audit/change-store.ts";
import { isAccountName } from "../../auth/accounts.ts";
import type { ChangeService } from "../../changes/change-service.ts";
import type { MfaChangeOutcome, MfaChangeRequest, MfaMethods } from "../../changes/mfa-change.ts";
import { GatewayError, type Uin } from "../../contract/index.ts";
import { accountOptions, LONGEST_REASON, toReason, UinScalar } from "../arguments.ts";
import { CamFailure } from "../cam-error/cam-error.resolver.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import type { Loaders } from "../loaders.ts";
import { ChangeResolution, MfaChange, toMfaChange } from "../mfa-change/mfa-change.type.ts";
import { isIncluded } from "../selected-fields.ts";
import { LoginActionMfaFlagInput, lazySubUser, SubUser } from "../sub-user/sub-user.type.ts";

@Resolver()
export class SetSubUserMfaResolver {
  readonly #changes: Pick<ChangeService, "setSubUserMfa">;
  readonly #changeStore: Pick<ChangeStore, "find">;

  constructor(deps: {
    readonly changes: Pick<ChangeService, "setSubUserMfa">;
    readonly changeStore: Pick<ChangeStore, "find">;
  }) {
    this.#changes = deps.changes;
    this.#changeStore = deps.changeStore;
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
    const idempotencyKey = idempotencyKeyOf(context, info);
    const loaders = context.loaders.ofChange(args.account);
    const outcome = await this.#changes
      .setSubUserMfa(toChangeRequest(args), { ...context, idempotencyKey })
      .finally(() => loaders?.forgetFlags(args.opUin));
    if (loaders === undefined) throw new Error("A change was made in an unknown account.");
    return new AppliedChange(outcome, context.requestId, {
      opUin: args.opUin,
      loaders,
      changeStore: this.#changeStore,
    });
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

/** The arguments of setSubUserMfa and of trySetSubUserMfa. */
@ArgsType()
export class SetSubUserMfaArgs {
  @Field(() => UinScalar, { description: "The sub-user to change." })
  opUin!: Uin;

  @Field(() => String, accountOptions)
  account?: string | null;

  @CamCalls(0)
  @Field(() => LoginActionMfaFlagInput, {
    nullable: true,
    description: "Login protection. Unchanged if left out, null or empty.",
  })
  login?: LoginActionMfaFlagInput | null;

  @CamCalls(0)
  @Field(() => LoginActionMfaFlagInput, {
    nullable: true,
    description: "Operation protection. Unchanged if left out, null or empty.",
  })
  action?: LoginActionMfaFlagInput | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      "Whether to write a protection even if it uses a method that a write cannot set (hardware token, custom, mail, " +
      "U2F, passkey). The user may lose that method.",
  })
  overwriteOtherMethods?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      `The reason for the record, at most ${LONGEST_REASON} characters. Switching off a user's last method and changing ` +
      "a protected user require a reason.",
  })
  reason?: string | null;
}

export function toChangeRequest(args: SetSubUserMfaArgs): MfaChangeRequest {
  return {
    account: toAccountName(args.account),
    opUin: args.opUin,
    login: toMethods(args.login),
    action: toMethods(args.action),
    overwriteOtherMethods: args.overwriteOtherMethods ?? false,
    reason: toReason(args.reason),
  };
}

/**
 * Returns the name of an account. Refuses a malformed name early, so that no log line contains it.
 *
 * @throws GatewayError UNKNOWN_ACCOUNT
 */
function toAccountName(name: string | null | undefined): string | undefined {
  if (typeof name === "string" && !isAccountName(name)) throw new GatewayError("UNKNOWN_ACCOUNT");
  return name ?? undefined;
}

/** Returns the methods to switch. A method that is null or left out stays unchanged. */
export function toMethods(input: LoginActionMfaFlagInput | null | undefined): MfaMethods | undefined {
  if (!input) return undefined;
  return {
    phone: input.phone ?? undefined,
    stoken: input.stoken ?? undefined,
    wechat: input.wechat ?? undefined,
  };
}

@CamCalls(0)
@ObjectType({ description: "A change that took effect." })
export class SetSubUserMfaPayload {
  @Field(() => String, { description: "The gateway's id of the request. Its log lines carry it." })
  requestId!: string;

  // Nullable as in CamFailure: one operation may select it in both members of the result. A payload always has a value.
  @Field(() => String, {
    nullable: true,
    description:
      "CAM's RequestId of the call that proved the change: SetMfaFlag, or the read that followed if resolvedBy is " +
      "READ_BACK. CAM's support asks for it. Never null in a change that took effect.",
  })
  camRequestId?: string | undefined;

  @RequiresScope("cam.audit:read")
  @Field(() => MfaChange, {
    nullable: true,
    description:
      "The record of the change. Null, with an error of its own, only if the gateway cannot read it now.",
  })
  change?: MfaChange | undefined | Promise<MfaChange | undefined>;

  @Field(() => ChangeResolution, { description: "The evidence that the change took effect." })
  resolvedBy!: keyof typeof ChangeResolution;

  @Field(() => SubUser, { description: "The user. The gateway reads `mfa` from CAM after the change." })
  subUser!: SubUser;
}

export const SetSubUserMfaResult = createUnionType({
  name: "SetSubUserMfaResult",
  description: "The result of a change: a change that took effect, or a business error as data.",
  types: () => [SetSubUserMfaPayload, CamFailure] as const,
  resolveType: (value) => ("code" in value ? CamFailure : SetSubUserMfaPayload),
});

/** A change in force. Reads its record and its user only if an operation selects them. */
export class AppliedChange implements SetSubUserMfaPayload {
  readonly requestId: string;
  readonly camRequestId: string;
  readonly resolvedBy: MfaChangeOutcome["resolvedBy"];
  readonly subUser: SubUser;
  readonly #changeId: string;
  readonly #changeStore: Pick<ChangeStore, "find">;

  constructor(
    { changeId, resolvedBy, camRequestId }: MfaChangeOutcome,
    requestId: string,
    { opUin, loaders, changeStore }: { opUin: Uin; loaders: Loaders; changeStore: Pick<ChangeStore, "find"> },
  ) {
    this.requestId = requestId;
    this.camRequestId = camRequestId;
    this.resolvedBy = resolvedBy;
    this.subUser = lazySubUser(opUin, loaders);
    this.#changeId = changeId;
    this.#changeStore = changeStore;
  }

  get change(): Promise<MfaChange | undefined> {
    return this.#changeStore.find(this.#changeId).then((record) => record && toMfaChange(record));
  }
}

/** The fields that request a change. An approval needs no key, because it has the id of its change. */
const CHANGES: ReadonlySet<string> = new Set(["setSubUserMfa", "trySetSubUserMfa"]);

/**
 * Returns the idempotency key of one change. The first change of an operation has the header's key. The n-th change has
 * that key, a slash and n. A repeated operation therefore must have its changes in the same order. Its aliases and
 * fragments may differ. The key includes the issuer, because two issuers may give one subject to different people.
 */
export function idempotencyKeyOf(
  { idempotencyKey, caller: { issuer } }: Pick<GraphQLContext, "idempotencyKey" | "caller">,
  info: GraphQLResolveInfo,
): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  const place = responseKeysOfChanges(info).indexOf(String(info.path.key)) + 1;
  const key = place === 1 ? idempotencyKey : `${idempotencyKey}/${place}`;
  return issuer === undefined ? key : `${key} ${issuer}`;
}

/** Returns the response keys of an operation's changes in order. Fields with the same response key are one change. */
function responseKeysOfChanges({
  operation,
  fragments,
  variableValues,
}: GraphQLResolveInfo): readonly string[] {
  const keys = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, variableValues)) continue;
      if (selection.kind === Kind.FIELD) {
        if (CHANGES.has(selection.name.value)) keys.add((selection.alias ?? selection.name).value);
        continue;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
      if (fragment !== undefined) collect(fragment.selectionSet);
    }
  };
  collect(operation.selectionSet);
  return [...keys];
}
