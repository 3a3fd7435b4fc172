import { Args, Ctx, Field, FieldResolver, Int, ObjectType, Query, Resolver, Root } from "type-graphql";
import type { Accounts } from "../../auth/accounts.ts";
import type { Directory } from "../../directory/directory.ts";
import type { UserSelection } from "../../directory/user-filter.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { PageInfo, PageSize, pageSize, toPage } from "../paging.ts";
import { SubUser, subUserOf } from "../sub-user/sub-user.type.ts";
import { decodeCursor, encodeCursor } from "./directory-cursor.ts";
import { SubUserDirectoryArgs, toOrder, toSelection } from "./sub-user-directory.args.ts";

@CamCalls(0)
@ObjectType({ description: "A user with the cursor." })
class SubUserDirectoryEdge {
  @Field(() => SubUser, { description: "The user." })
  node!: SubUser;

  @Field(() => String, {
    description: "The position of the user. Pass it as `after` to get the users that follow.",
  })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "A page of users, as the gateway knows them." })
class SubUserDirectoryConnection {
  @Field(() => [SubUserDirectoryEdge], { description: "The users with their cursors." })
  edges!: readonly SubUserDirectoryEdge[];

  @Field(() => [SubUser], { description: "The users without cursors." })
  nodes!: readonly SubUser[];

  @Field(() => PageInfo, { description: "The position of the page." })
  pageInfo!: PageInfo;

  selection!: UserSelection;

  /** The count, which a document may select many times. */
  counting?: Promise<number>;
}

/** The accounts that a caller may select. */
export type SelectableAccounts = Pick<Accounts<{ readonly name: string }>, "select" | "require">;

interface DirectoryDeps {
  readonly directory: Pick<Directory, "list" | "count">;
  readonly accounts: SelectableAccounts;
}

/** Lists the users of all accounts from the directory. No call to CAM. */
@Resolver(() => SubUserDirectoryConnection)
export class SubUserDirectoryResolver {
  readonly #deps: DirectoryDeps;

  constructor(deps: DirectoryDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.directory:read")
  @CamCalls(0)
  @PageSize()
  @Query(() => SubUserDirectoryConnection, {
    description:
      "The users of all accounts that the caller may use, as the gateway knows them. It calls CAM only for the fields " +
      "`uid`, `lastLoginIp` and `mfa`.",
  })
  async subUserDirectory(
    @Args(() => SubUserDirectoryArgs) args: SubUserDirectoryArgs,
    @Ctx() { caller, loaders }: GraphQLContext,
  ): Promise<SubUserDirectoryConnection> {
    const { directory, accounts } = this.#deps;
    const { filter, after } = args;
    const [size, order] = [pageSize(args.first), toOrder(args)];
    const selection = toSelection(accounts.select(args.accounts, caller), args);
    const list = [args.accounts?.toSorted() ?? null, order, Object.entries(filter ?? {}).toSorted()];
    const position = typeof after === "string" ? decodeCursor(after, list, order.field) : undefined;
    // One user more than requested shows whether a next page exists.
    const { entries, total } = await directory.list(selection, order, size + 1, position);
    const page = toPage(entries, { size, after }, (entry) => ({
      node: subUserOf(entry.user, loaders.of(entry.user.account)),
      cursor: encodeCursor(entry.position, list),
    }));
    return { ...page, selection, ...(total !== undefined && { counting: Promise.resolve(total) }) };
  }

  @FieldResolver(() => Int, { description: "The number of users in all pages." })
  totalCount(@Root() connection: SubUserDirectoryConnection): Promise<number> {
    connection.counting ??= this.#deps.directory.count(connection.selection);
    return connection.counting;
  }
}
