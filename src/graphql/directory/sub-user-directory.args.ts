import { ArgsType, Field, GraphQLISODateTime, InputType, Int } from "type-graphql";
import type { Uin } from "../../contract/index.ts";
import type { ListOrder, OrderField } from "../../directory/directory.ts";
import type { UserSelection } from "../../directory/user-filter.ts";
import { badInput, requireStorable, UinScalar } from "../arguments.ts";
import { CamCalls } from "../directives.ts";
import { registerEnum } from "../enums.ts";
import { afterOptions, firstOptions } from "../paging.ts";
import { METHOD_NAMES, MfaMethod, ProtectionState, ProtectionStrength } from "./directory-enums.ts";

/** The options of every argument that names accounts. */
export const accountsOptions = {
  nullable: true,
  description:
    "The names of accounts in the gateway. All accounts that the caller may use if left out or null.",
} as const;

const LONGEST_SEARCH = 100;
const MAX_UINS = 500;

@InputType({ description: "Properties of users. A user must match all properties that are given." })
export class SubUserDirectoryFilter {
  @Field(() => String, {
    nullable: true,
    description: `Words that name, Uin or remark contain, upper or lower case. At most ${LONGEST_SEARCH} characters.`,
  })
  search?: string | null;

  @Field(() => ProtectionState, { nullable: true, description: "Login protection." })
  login?: keyof typeof ProtectionState | null;

  @Field(() => ProtectionState, { nullable: true, description: "Operation protection." })
  action?: keyof typeof ProtectionState | null;

  @Field(() => [MfaMethod], {
    nullable: true,
    description: "Users with at least one of these methods, in either protection.",
  })
  methods?: readonly (keyof typeof MfaMethod)[] | null;

  @Field(() => [ProtectionStrength], { nullable: true, description: "The strengths of login protection." })
  strength?: readonly (keyof typeof ProtectionStrength)[] | null;

  @Field(() => Boolean, { nullable: true, description: "Whether a phone number is bound." })
  hasPhone?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: "Whether the user may sign in to the console." })
  consoleLogin?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether the user never logged in. Users of unknown last login match neither value.",
  })
  neverLoggedIn?: boolean | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description:
      "Users without a login since this time. Users who never logged in match if they were created before " +
      "it. CAM's times have no zone, and the gateway compares them as UTC.",
  })
  inactiveSince?: Date | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "Users whose protections the gateway has not read since this time, or never.",
  })
  staleSince?: Date | null;

  @Field(() => [UinScalar], { nullable: true, description: `The users' Uins, at most ${MAX_UINS}.` })
  opUins?: readonly Uin[] | null;
}

const DirectoryOrderField = registerEnum<OrderField>(
  "SubUserDirectoryOrderField",
  "The value that sorts users.",
  {
    NAME: "The name, without regard to upper and lower case.",
    LAST_LOGIN: "The time of the last login. Users who never logged in count as earliest.",
    CREATED: "The time of creation.",
    STRENGTH: "The strength of login protection, from UNKNOWN and NONE to HARDWARE.",
    PROTECTIONS_AS_OF:
      "The time of the gateway's last read or change of the protections. Users never read count as " +
      "oldest.",
  },
);

const SortDirection = registerEnum("SortDirection", "The direction of an order.", {
  ASC: "From the lowest to the highest value.",
  DESC: "From the highest to the lowest value.",
});

@InputType({ description: "The order of users. Users with an equal value follow by account and Uin." })
class SubUserDirectoryOrder {
  @Field(() => DirectoryOrderField, { description: "The value that sorts users." })
  field!: OrderField;

  @Field(() => SortDirection, { nullable: true, defaultValue: "ASC", description: "The direction." })
  direction?: keyof typeof SortDirection | null;
}

@ArgsType()
export class SubUserDirectoryArgs {
  @Field(() => [String], accountsOptions)
  accounts?: readonly string[] | null;

  @CamCalls(0)
  @Field(() => SubUserDirectoryFilter, { nullable: true, description: "Filters users." })
  filter?: SubUserDirectoryFilter | null;

  @CamCalls(0)
  @Field(() => SubUserDirectoryOrder, {
    nullable: true,
    description: "Sorts users. By name if left out or null.",
  })
  orderBy?: SubUserDirectoryOrder | null;

  @Field(() => Int, firstOptions("users"))
  first?: number | null;

  @Field(() => String, afterOptions("users"))
  after?: string | null;
}

export function toOrder({ orderBy }: SubUserDirectoryArgs): ListOrder {
  return { field: orderBy?.field ?? "NAME", direction: orderBy?.direction ?? "ASC" };
}

/** Returns the selection of users in these accounts. @throws GraphQLError BAD_USER_INPUT */
export function toSelection(
  accounts: readonly string[],
  { filter }: Pick<SubUserDirectoryArgs, "filter">,
): UserSelection {
  if (!filter) return { accounts };
  const { search, methods, opUins } = filter;
  requireStorable({ search });
  if ((search ?? "").length > LONGEST_SEARCH)
    throw badInput(`"search" is longer than ${LONGEST_SEARCH} characters.`);
  if ((opUins ?? []).length > MAX_UINS) throw badInput(`"opUins" has more than ${MAX_UINS} Uins.`);
  return {
    accounts,
    search: search ?? undefined,
    login: filter.login ?? undefined,
    action: filter.action ?? undefined,
    methods: methods?.map((method) => METHOD_NAMES[method]),
    strength: filter.strength ?? undefined,
    hasPhone: filter.hasPhone ?? undefined,
    consoleLogin: filter.consoleLogin ?? undefined,
    neverLoggedIn: filter.neverLoggedIn ?? undefined,
    inactiveSince: filter.inactiveSince ?? undefined,
    staleSince: filter.staleSince ?? undefined,
    opUins: opUins ?? undefined,
  };
}
