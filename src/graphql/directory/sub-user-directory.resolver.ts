import { createHash } from "node:crypto";
import { Args, Ctx, Field, FieldResolver, Int, ObjectType, Query, Resolver, Root } from "type-graphql";
import { type Accounts, isAccountName } from "../../auth/accounts.ts";
import { isUin } from "../../contract/index.ts";
import type { Directory, ListPosition, OrderField } from "../../directory/directory.ts";
import type { UserSelection } from "../../directory/user-filter.ts";
import { badInput } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { PageInfo, PageSize, pageSize, toPage } from "../paging.ts";
import { SubUser, subUserOf } from "../sub-user/sub-user.type.ts";
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

/** The form of the value that each order compares. PostgreSQL reads every such text. */
const KEY_FORMS: Readonly<Record<OrderField, RegExp>> = {
  NAME: /^[^\0\p{Cs}]*$/u,
  LAST_LOGIN: /^[^\0\p{Cs}]*$/u,
  CREATED: /^[^\0\p{Cs}]*$/u,
  STRENGTH: /^-?\d$/,
  PROTECTIONS_AS_OF: /^-?\d{1,18}$/,
};

/**
 * Returns the cursor of a position in a list. It is a place in the order and not a number of users, so it stays right while
 * a scan adds and removes users. It fits the same list only.
 * @param list The arguments that decide which list it is.
 */
export function encodeCursor({ key, account, opUin }: ListPosition, list: object): string {
  const position = JSON.stringify([key, account, opUin]);
  return Buffer.from(`${digestOf(position, list)}${position}`).toString("base64url");
}

/** Returns the position of a cursor. @throws GraphQLError BAD_USER_INPUT for a cursor of another list, or no cursor. */
export function decodeCursor(cursor: string, list: object, field: OrderField): ListPosition {
  const text = Buffer.from(cursor, "base64url").toString();
  const [digest, position] = [text.slice(0, DIGEST_DIGITS), text.slice(DIGEST_DIGITS)];
  if (digest !== digestOf(position, list)) throw cursorMismatch();
  const parts: unknown = JSON.parse(position);
  if (!Array.isArray(parts) || parts.length !== 3) throw cursorMismatch();
  const [key, account, opUin]: readonly unknown[] = parts;
  const isPosition =
    typeof key === "string" &&
    KEY_FORMS[field].test(key) &&
    typeof account === "string" &&
    isAccountName(account);
  if (!isPosition || !isUin(opUin)) throw cursorMismatch();
  return { key, account, opUin };
}

const DIGEST_DIGITS = 16;

function digestOf(position: string, list: object): string {
  return createHash("sha256")
    .update(`${JSON.stringify(list)}\n${position}`)
    .digest("hex")
    .slice(0, DIGEST_DIGITS);
}

function cursorMismatch(): Error {
  return badInput(
    '"after" is not a cursor of this list. Send a cursor with the accounts, filter and order that it came from, or leave ' +
      '"after" out to start again.',
  );
}
