import {
  Arg,
  Args,
  ArgsType,
  Field,
  GraphQLISODateTime,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
} from "type-graphql";
import type { ChangeStatus } from "../../audit/change-record.ts";
import type { ChangeStore } from "../../audit/change-store.ts";
import type { Uin } from "../../contract/index.ts";
import { requireStorable, UinScalar } from "../arguments.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import {
  afterOptions,
  cursorOf,
  firstOptions,
  PageInfo,
  PageSize,
  pageSize,
  toPage,
  UUID,
} from "../paging.ts";
import { MfaChange, MfaChangeStatus, toMfaChange } from "./mfa-change.type.ts";

@CamCalls(0)
@ObjectType({ description: "A change with its cursor." })
class MfaChangeEdge {
  @Field(() => MfaChange, { description: "The change." })
  node!: MfaChange;

  @Field(() => String, {
    description: "The position of the change. Pass it as `after` to get the changes that follow.",
  })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "A page of changes, newest first." })
class MfaChangeConnection {
  @Field(() => [MfaChangeEdge], { description: "The changes with their cursors." })
  edges!: readonly MfaChangeEdge[];

  @Field(() => [MfaChange], { description: "The changes without cursors." })
  nodes!: readonly MfaChange[];

  @Field(() => PageInfo, { description: "The position of the page." })
  pageInfo!: PageInfo;
}

@ArgsType()
class MfaChangesArgs {
  @Field(() => UinScalar, { nullable: true, description: "Filters by user." })
  opUin?: Uin | null;

  @Field(() => String, { nullable: true, description: "Filters by account, such as `default`." })
  account?: string | null;

  @Field(() => MfaChangeStatus, { nullable: true, description: "Filters by status." })
  status?: keyof typeof MfaChangeStatus | null;

  @Field(() => String, { nullable: true, description: "Filters by the subject of the requesting caller." })
  caller?: string | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "Filters by start: at or after this time.",
  })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Filters by start: before this time." })
  until?: Date | null;

  @Field(() => Int, firstOptions("changes"))
  first?: number | null;

  @Field(() => String, afterOptions("changes"))
  after?: string | null;
}

/** Reads the record of changes. No field can alter it. */
@Resolver()
export class MfaChangeResolver {
  readonly #changeStore: Pick<ChangeStore, "read" | "list">;

  constructor(deps: { readonly changeStore: Pick<ChangeStore, "read" | "list"> }) {
    this.#changeStore = deps.changeStore;
  }

  @RequiresScope("cam.audit:read")
  @Query(() => MfaChange, { nullable: true, description: "One change. Null if the record has no such id." })
  async mfaChange(
    @Arg("id", () => ID, { description: "The id of the change." }) id: string,
  ): Promise<MfaChange | null> {
    const record = UUID.test(id) ? await this.#changeStore.read(id) : undefined;
    return record === undefined ? null : toMfaChange(record);
  }

  @RequiresScope("cam.audit:read")
  @PageSize()
  @Query(() => MfaChangeConnection, { description: "The record of changes, newest first." })
  async mfaChanges(@Args(() => MfaChangesArgs) args: MfaChangesArgs): Promise<MfaChangeConnection> {
    const size = pageSize(args.first);
    const after = cursorOf(args.after, UUID);
    requireStorable({ caller: args.caller, account: args.account });
    const filter = {
      account: args.account ?? undefined,
      opUin: args.opUin ?? undefined,
      status: args.status?.toLowerCase() as ChangeStatus | undefined,
      callerSubject: args.caller ?? undefined,
      from: args.from ?? undefined,
      until: args.until ?? undefined,
    };
    // One record more than requested shows whether a next page exists.
    const records = await this.#changeStore.list(filter, size + 1, after);
    return toPage(records, { size, after }, (record) => ({ node: toMfaChange(record), cursor: record.id }));
  }
}
