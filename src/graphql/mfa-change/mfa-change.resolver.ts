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
import type { ChangeLog } from "../../audit/change-log.ts";
import type { ChangeFilter } from "../../audit/change-record.ts";
import type { Uin } from "../../contract/index.ts";
import { badInput, UinScalar } from "../arguments.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { MfaChange, MfaChangeStatus, toMfaChange, toRecordedStatus } from "./mfa-change.type.ts";

@CamCalls(0)
@ObjectType({ description: "One change in a page." })
class MfaChangeEdge {
  @Field(() => MfaChange, { description: "The change." })
  node!: MfaChange;

  @Field(() => String, { description: "Where the change stands; give it as `after` to go on from here." })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "Where a page stands in the whole list." })
class PageInfo {
  @Field(() => Boolean, { description: "Whether there are older changes." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether the page was asked for by `after`." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The cursor of the page's first change." })
  startCursor?: string | undefined;

  @Field(() => String, { nullable: true, description: "The cursor of the page's last change." })
  endCursor?: string | undefined;
}

@CamCalls(0)
@ObjectType({ description: "A page of changes, newest first." })
class MfaChangeConnection {
  @Field(() => [MfaChangeEdge], { description: "The changes with their cursors." })
  edges!: readonly MfaChangeEdge[];

  @Field(() => [MfaChange], { description: "The changes alone." })
  nodes!: readonly MfaChange[];

  @Field(() => PageInfo, { description: "Where the page stands." })
  pageInfo!: PageInfo;
}

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 100;

@ArgsType()
class MfaChangesArgs {
  @Field(() => UinScalar, { nullable: true, description: "Only changes of this user." })
  opUin?: Uin | null;

  @Field(() => String, {
    nullable: true,
    description: "Only changes in this account; `default` is the one that needs no name.",
  })
  account?: string | null;

  @Field(() => MfaChangeStatus, { nullable: true, description: "Only changes of which this is known." })
  status?: keyof typeof MfaChangeStatus | null;

  @Field(() => String, { nullable: true, description: "Only changes that this caller (subject) asked for." })
  caller?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Only changes begun at or after." })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Only changes begun before." })
  until?: Date | null;

  @Field(() => Int, {
    nullable: true,
    defaultValue: DEFAULT_PAGE,
    description: `How many, from 1 to ${LARGEST_PAGE}.`,
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: "The cursor to go on from: an `endCursor`." })
  after?: string | null;
}

function toChangeFilter(args: MfaChangesArgs): ChangeFilter {
  return {
    account: args.account ?? undefined,
    opUin: args.opUin ?? undefined,
    status: args.status ? toRecordedStatus(args.status) : undefined,
    callerSubject: args.caller ?? undefined,
    from: args.from ?? undefined,
    until: args.until ?? undefined,
  };
}

/** What ids and cursors are; anything else cannot be the name of a record. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads of the record. There is no way to alter it. */
@Resolver()
export class MfaChangeResolver {
  readonly #log: Pick<ChangeLog, "read" | "list">;

  constructor(deps: { readonly log: Pick<ChangeLog, "read" | "list"> }) {
    this.#log = deps.log;
  }

  @RequiresScope("cam.audit:read")
  @Query(() => MfaChange, { nullable: true, description: "One change; null where there is no such record." })
  async mfaChange(
    @Arg("id", () => ID, { description: "The id of the change." }) id: string,
  ): Promise<MfaChange | null> {
    const record = UUID.test(id) ? await this.#log.read(id) : undefined;
    return record === undefined ? null : toMfaChange(record);
  }

  @RequiresScope("cam.audit:read")
  @Query(() => MfaChangeConnection, { description: "The record of changes, newest first." })
  async mfaChanges(@Args(() => MfaChangesArgs) args: MfaChangesArgs): Promise<MfaChangeConnection> {
    const first = args.first ?? DEFAULT_PAGE;
    if (first < 1 || first > LARGEST_PAGE) throw badInput(`"first" must be from 1 to ${LARGEST_PAGE}.`);
    const after = args.after ?? undefined;
    if (after !== undefined && !UUID.test(after)) throw badInput('"after" is not a cursor of this list.');
    for (const name of ["caller", "account"] as const) {
      // PostgreSQL's texts have neither, so no record has one.
      if (/[\0\p{Cs}]/u.test(args[name] ?? ""))
        throw badInput(`"${name}" must not contain NUL or half of a surrogate pair.`);
    }
    // One more than asked for tells whether there is a next page.
    const records = await this.#log.list(toChangeFilter(args), first + 1, after);
    const nodes = records.slice(0, first).map(toMfaChange);
    return {
      nodes,
      edges: nodes.map((node) => ({ node, cursor: node.id })),
      pageInfo: {
        hasNextPage: records.length > first,
        hasPreviousPage: after !== undefined,
        startCursor: nodes.at(0)?.id,
        endCursor: nodes.at(-1)?.id,
      },
    };
  }
}
