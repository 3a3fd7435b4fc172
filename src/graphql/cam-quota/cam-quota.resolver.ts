import { Directive, Query, Resolver } from "type-graphql";
import type { ActionQuota } from "../../quota/action-quota.ts";
import { RequiresScope } from "../requires-scope.ts";
import { CamActionQuota } from "./cam-action-quota.type.ts";

/** Where the figures come from. */
export interface QuotaReader {
  quotas(): Promise<readonly ActionQuota[]>;
}

@Resolver()
export class CamQuotaResolver {
  readonly #quota: QuotaReader;

  constructor(deps: { readonly quota: QuotaReader }) {
    this.#quota = deps.quota;
  }

  @RequiresScope("cam.quota:read")
  // Left out of what a router publishes to others than operators.
  @Directive('@tag(name: "internal")')
  @Query(() => [CamActionQuota], {
    description: "CAM's limits and what is used of them, for each action that was called lately.",
  })
  async camQuota(): Promise<readonly CamActionQuota[]> {
    const quotas = await this.#quota.quotas();
    return quotas.map(({ windowMs, nextSlotInMs, ...quota }) => ({
      ...quota,
      windowMs: Math.ceil(windowMs),
      nextSlotInMs: Math.ceil(nextSlotInMs),
    }));
  }
}
