import {
  Args,
  ArgsType,
  Ctx,
  Field,
  GraphQLISODateTime,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
} from "type-graphql";
import type { Uin } from "../../contract/index.ts";
import type { DriftLog } from "../../directory/drift-log.ts";
import { UinScalar } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { afterOptions, cursorOf, firstOptions, PageInfo, PageSize, pageSize, toPage } from "../paging.ts";
import { LoginActionFlag } from "../sub-user/sub-user.type.ts";
import { DirectorySource } from "./directory-enums.ts";
import { accountsOptions } from "./sub-user-directory.args.ts";
import type { SelectableAccounts } from "./sub-user-directory.resolver.ts";

@CamCalls(0)
@ObjectType({ description: "A user's protections at one time." })
class MfaImage {
  @Field(() => LoginActionFlag, { description: "Login protection." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, { description: "Operation protection." })
  action!: LoginActionFlag;

  @Field(() => GraphQLISODateTime, { description: "The time of this state, by the database's clock." })
  asOf!: Date;

  @Field(() => DirectorySource, { description: "How the gateway learned it." })
  source!: keyof typeof DirectorySource;
}

@CamCalls(0)
@ObjectType({ description: "A change of a user's protections that the gateway did not make." })
class MfaDrift {
  @Field(() => ID, { description: "The id of the drift." })
  id!: string;

  @Field(() => String, { description: "The name of the user's account." })
  account!: string;

  @Field(() => UinScalar, { description: "The user's Uin." })
  opUin!: Uin;

  @Field(() => String, { nullable: true, description: "The user's login name, as the directory knows it." })
  name?: string | undefined;

  @Field(() => MfaImage, { description: "The protections that the gateway last knew." })
  before!: MfaImage;

  @Field(() => MfaImage, { description: "The protections that two reads, a minute apart, showed instead." })
  after!: MfaImage;

  @Field(() => GraphQLISODateTime, { description: "The start of the first read that differs." })
  firstSeenAt!: Date;

  @Field(() => GraphQLISODateTime, { description: "The time when the gateway recorded it." })
  foundAt!: Date;
}

@CamCalls(0)
@ObjectType({ description: "A drift with its cursor." })
class MfaDriftEdge {
  @Field(() => MfaDrift, { description: "The drift." })
  node!: MfaDrift;

  @Field(() => String, { description: "The position of the drift. Pass it as `after` to get older ones." })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "A page of drift, the latest first." })
class MfaDriftConnection {
  @Field(() => [MfaDriftEdge], { description: "The drift with cursors." })
  edges!: readonly MfaDriftEdge[];

  @Field(() => [MfaDrift], { description: "The drift without cursors." })
  nodes!: readonly MfaDrift[];

  @Field(() => PageInfo, { description: "The position of the page." })
  pageInfo!: PageInfo;
}

@ArgsType()
class MfaDriftArgs {
  @Field(() => [String], accountsOptions)
  accounts?: readonly string[] | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "Filters by `foundAt`: at or after this time.",
  })
  since?: Date | null;

  @Field(() => Int, firstOptions("entries"))
  first?: number | null;

  @Field(() => String, afterOptions("entries"))
  after?: string | null;
}

/** The form of a cursor: the id of a drift. */
const CURSOR = /^[1-9]\d{0,17}$/;

interface DriftDeps {
  readonly drift: Pick<DriftLog, "list">;
  readonly accounts: SelectableAccounts;
}

/** Shows changes that were made past the gateway. */
@Resolver()
export class MfaDriftResolver {
  readonly #deps: DriftDeps;

  constructor(deps: DriftDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.directory:read")
  @PageSize()
  @Query(() => MfaDriftConnection, {
    description: "Changes of users' protections that the gateway did not make, the latest first.",
  })
  async mfaDrift(
    @Args(() => MfaDriftArgs) { first, ...args }: MfaDriftArgs,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<MfaDriftConnection> {
    const size = pageSize(first);
    const after = cursorOf(args.after, CURSOR);
    const filter = {
      accounts: this.#deps.accounts.select(args.accounts, caller),
      since: args.since ?? undefined,
    };
    // One more than requested shows whether a next page exists.
    const entries = await this.#deps.drift.list(filter, size + 1, after);
    return toPage(entries, { size, after }, (node) => ({ node, cursor: node.id }));
  }
}
