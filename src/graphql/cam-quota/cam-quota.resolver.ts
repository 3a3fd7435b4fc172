import { Ctx, Directive, Query, Resolver } from "type-graphql";
import type { Accounts } from "../../auth/accounts.ts";
import type { ActionQuota } from "../../quota/action-quota.ts";
import type { GraphQLContext } from "../context.ts";
import { RequiresScope } from "../requires-scope.ts";
import { CamActionQuota } from "./cam-action-quota.type.ts";

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
