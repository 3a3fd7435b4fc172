import { Ctx, Directive, Field, Int, ObjectType, Query, Resolver } from "type-graphql";
import type { Accounts } from "../../auth/accounts.ts";
import type { ActionQuota } from "../../quota/shared-quota.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";

@CamCalls(0)
@ObjectType({ description: "The use of CAM's rate limit by one CAM action." })
class CamActionQuota {
  @Field(() => String, { description: "The account whose key called the action." })
  account!: string;

  @Field(() => String, { description: "The name of the CAM action." })
  action!: string;

  @Field(() => Int, { description: "The calls per second that CAM accepts." })
  ratePerSecond!: number;

  @Field(() => Int, {
    description:
      "The milliseconds over which the gateway spreads these calls: more than 1,000, and longer after a throttle.",
  })
  windowMs!: number;

  @Field(() => Int, { description: "The calls in the window that ends now." })
  used!: number;

  @Field(() => Int, { description: "The calls that wait for a slot in this replica." })
  queued!: number;

  @Field(() => Int, { description: "Milliseconds until the next free slot. 0 if a slot is free." })
  nextSlotInMs!: number;

  @Field(() => Boolean, {
    description: "Whether the gateway sends calls more slowly because CAM recently throttled one.",
  })
  throttledRecently!: boolean;

  @Field(() => Boolean, {
    description:
      "Whether the figures cover all replicas. While the database is unavailable, they cover this replica only and the " +
      "gateway refuses changes.",
  })
  shared!: boolean;
}

/** The accounts with their figures. */
export type QuotaAccounts = Pick<
  Accounts<{
    readonly name: string;
    readonly quota: { usage(): Promise<readonly ActionQuota[]> };
  }>,
  "visibleTo"
>;

@Resolver()
export class CamQuotaResolver {
  readonly #accounts: QuotaAccounts;

  constructor(deps: { readonly accounts: QuotaAccounts }) {
    this.#accounts = deps.accounts;
  }

  @RequiresScope("cam.quota:read")
  // A router can keep fields with this tag out of its public schema.
  @Directive('@tag(name: "internal")')
  @Query(() => [CamActionQuota], {
    description:
      "CAM's rate limits and their use, for each recently called action in the accounts that the caller may use.",
  })
  async camQuota(@Ctx() { caller }: GraphQLContext): Promise<readonly CamActionQuota[]> {
    const usage = this.#accounts.visibleTo(caller).map(async ({ name, quota }) =>
      (await quota.usage()).map((action) => ({
        ...action,
        account: name,
        windowMs: Math.ceil(action.windowMs),
        nextSlotInMs: Math.ceil(action.nextSlotInMs),
      })),
    );
    return (await Promise.all(usage)).flat();
  }
}
