import { Arg, Ctx, Field, GraphQLISODateTime, Int, ObjectType, Query, Resolver } from "type-graphql";
import type { AccountCoverage } from "../../directory/count-users.ts";
import type { Directory } from "../../directory/directory.ts";
import { STRENGTHS, type Strength } from "../../directory/protections.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { ProtectionStrength } from "./directory-enums.ts";
import { accountsOptions } from "./sub-user-directory.args.ts";
import type { SelectableAccounts } from "./sub-user-directory.resolver.ts";

@CamCalls(0)
@ObjectType({ description: "The users of an account by the state of one protection." })
class ProtectionCounts {
  @Field(() => Int, { description: "Users with at least one method on." })
  protected!: number;

  @Field(() => Int, { description: "Users with no method on." })
  unprotected!: number;

  @Field(() => Int, { description: "Users whose state is unknown." })
  unknown!: number;
}

@CamCalls(0)
@ObjectType({ description: "The number of users whose login protection has one strength." })
class StrengthCount {
  @Field(() => ProtectionStrength, { description: "The strength." })
  strength!: Strength;

  @Field(() => Int, { description: "The users." })
  users!: number;
}

@CamCalls(0)
@ObjectType({ description: "The protection of an account's users, as the gateway knows them." })
class MfaCoverage {
  @Field(() => String, { description: "The name of the account." })
  account!: string;

  @Field(() => Int, { description: "The users of the account." })
  users!: number;

  @Field(() => ProtectionCounts, { description: "The users by login protection." })
  login!: ProtectionCounts;

  @Field(() => ProtectionCounts, { description: "The users by operation protection." })
  action!: ProtectionCounts;

  @Field(() => [StrengthCount], {
    description: "The users by the strength of login protection, from UNKNOWN and NONE to HARDWARE.",
  })
  strengths!: readonly StrengthCount[];

  @Field(() => Int, { description: "Users who never logged in." })
  neverLoggedIn!: number;

  @Field(() => Int, { description: "Users whose protections the gateway never read." })
  unknown!: number;

  @Field(() => Int, {
    description:
      "Users that an exception of the policy excuses from rollouts now. The other numbers count them too.",
  })
  excused!: number;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The time of the oldest known protections, by the database's clock. Null if none are known.",
  })
  oldestKnowledge?: Date | undefined;
}

interface CoverageDeps {
  readonly directory: Pick<Directory, "coverage">;
  readonly accounts: SelectableAccounts;
}

/** Counts the users of accounts from the directory. No call to CAM. */
@Resolver()
export class MfaCoverageResolver {
  readonly #deps: CoverageDeps;

  constructor(deps: CoverageDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.directory:read")
  @Query(() => [MfaCoverage], {
    description:
      "How many users of each account are protected, in the order of the accounts' names. A protection that the gateway " +
      "never read counts as unknown.",
  })
  async mfaCoverage(
    @Arg("accounts", () => [String], accountsOptions) accounts: readonly string[] | null | undefined,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<readonly MfaCoverage[]> {
    const counted = await this.#deps.directory.coverage(this.#deps.accounts.select(accounts, caller));
    return counted.map(toMfaCoverage);
  }
}

function toMfaCoverage({ login, action, strengths, oldest, ...same }: AccountCoverage): MfaCoverage {
  const toCounts = ({ PROTECTED, UNPROTECTED, UNKNOWN }: AccountCoverage["login"]): ProtectionCounts => ({
    ...{ protected: PROTECTED, unprotected: UNPROTECTED, unknown: UNKNOWN },
  });
  const names: readonly Strength[] = ["UNKNOWN", ...STRENGTHS];
  return {
    ...same,
    login: toCounts(login),
    action: toCounts(action),
    strengths: names.map((strength) => ({ strength, users: strengths[strength] })),
    oldestKnowledge: oldest,
  };
}
