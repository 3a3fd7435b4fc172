import { Ctx, Directive, Field, Int, ObjectType, Query, Resolver } from "type-graphql";
import type { Accounts } from "../../auth/accounts.ts";
import type { ActionQuota } from "../../quota/shared-rate-budget.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";

@CamCalls(0)
@ObjectType({ description: "How one action of CAM stands to its limit of calls per second." })
class CamActionQuota {
  @Field(() => String, { description: "The account with whose key the action was called." })
  account!: string;

  @Field(() => String, { description: "The action, as CAM spells it." })
  action!: string;

  @Field(() => Int, { description: "Calls a second that CAM takes." })
  ratePerSecond!: number;

  @Field(() => Int, {
    description:
      "Milliseconds in which that many calls are made: a second and a guard, and more after a throttle.",
  })
  windowMs!: number;

  @Field(() => Int, { description: "Calls in the window that ends now." })
  used!: number;

  @Field(() => Int, { description: "Calls that wait for a slot in this replica." })
  queued!: number;

  @Field(() => Int, { description: "Milliseconds until the next free slot; 0 where one is free." })
  nextSlotInMs!: number;

  @Field(() => Boolean, {
    description: "Whether CAM throttled a call lately, and calls are spaced wider for it.",
  })
  throttledRecently!: boolean;

  @Field(() => Boolean, {
    description:
      "Whether the figures are of all replicas. While the database is away they are of this one, and changes are refused.",
  })
  shared!: boolean;
}

/** Where the figures come from. */
export type QuotaAccounts = Pick<Accounts<QuotaAccount>, "visibleTo">;

interface QuotaAccount {
  readonly name: string;
  readonly budget: { quotas(): Promise<readonly ActionQuota[]> };
}

@Resolver()
export class CamQuotaResolver {
  readonly #accounts: QuotaAccounts;

  constructor(deps: { readonly accounts: QuotaAccounts }) {
    this.#accounts = deps.accounts;
  }

  @RequiresScope("cam.quota:read")
  // Left out of what a router publishes to others than operators.
  @Directive('@tag(name: "internal")')
  @Query(() => [CamActionQuota], {
    description:
      "CAM's limits and what is used of them, for each action that was called lately in an account that you may use.",
  })
  async camQuota(@Ctx() { caller }: GraphQLContext): Promise<readonly CamActionQuota[]> {
    const quotas = await Promise.all(this.#accounts.visibleTo(caller).map(quotasOf));
    return quotas.flat();
  }
}

async function quotasOf({ name, budget }: QuotaAccount): Promise<readonly CamActionQuota[]> {
  const quotas = await budget.quotas();
  return quotas.map(({ windowMs, nextSlotInMs, ...quota }) => ({
    account: name,
    ...quota,
    windowMs: Math.ceil(windowMs),
    nextSlotInMs: Math.ceil(nextSlotInMs),
  }));
}
