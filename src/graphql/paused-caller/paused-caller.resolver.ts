import {
  Arg,
  Ctx,
  Directive,
  Field,
  GraphQLISODateTime,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from "type-graphql";
import type { CallerPause as RecordedPause } from "../../audit/caller-pauses.ts";
import type { PausedCallers } from "../../changes/paused-callers.ts";
import { badInput } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { MfaChangeCaller } from "../mfa-change/mfa-change.type.ts";

@CamCalls(0)
@ObjectType({ description: "Since when a caller may change nobody, and why." })
class CallerPause {
  @Field(() => String, { description: "The caller." })
  subject!: string;

  @Field(() => String, { nullable: true, description: "Who vouched for the caller." })
  issuer?: string | undefined;

  @Field(() => GraphQLISODateTime, { description: "Since when, by the database's clock." })
  pausedAt!: Date;

  @Field(() => Int, {
    description: "Why: to how many different users the caller came, by asking for changes or approving them.",
  })
  users!: number;

  @Field(() => Int, { description: "The minutes within which that was." })
  withinMinutes!: number;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "When it was ended; null while it lasts." })
  resumedAt?: Date | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "Who ended it." })
  resumedBy?: MfaChangeCaller | undefined;
}

function toCallerPause({ subject, issuer, pausedAt, users, withinMs, resumed }: RecordedPause): CallerPause {
  const withinMinutes = Math.round(withinMs / 60_000);
  const pause = { subject, issuer, pausedAt, users, withinMinutes };
  return { ...pause, resumedAt: resumed?.at, resumedBy: resumed?.by };
}

/** The bulk guard, for operators. */
@Resolver()
export class PausedCallerResolver {
  readonly #pausedCallers: Pick<PausedCallers, "list" | "resume">;

  constructor(deps: { readonly pausedCallers: Pick<PausedCallers, "list" | "resume"> }) {
    this.#pausedCallers = deps.pausedCallers;
  }

  @RequiresScope("cam.callers:resume")
  // Left out of what a router publishes to others than operators.
  @Directive('@tag(name: "internal")')
  @Query(() => [CallerPause], {
    description: "Callers who changed too many users in too short a time and are paused, the latest first.",
  })
  async pausedCallers(): Promise<readonly CallerPause[]> {
    return (await this.#pausedCallers.list()).map(toCallerPause);
  }

  @RequiresScope("cam.callers:resume")
  @Directive('@tag(name: "internal")')
  @Mutation(() => CallerPause, {
    nullable: true,
    description:
      "Lets a paused caller go on, whose users are counted anew from then on. Null where no such caller is paused.",
  })
  async resumeCaller(
    @Arg("subject", () => String, { description: "The caller." }) subject: string,
    @Arg("issuer", () => String, {
      nullable: true,
      description:
        "Who vouches for the caller, where callers of more than one issuer are paused by this name.",
    })
    issuer: string | null | undefined,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<CallerPause | null> {
    const paused = (await this.#pausedCallers.list()).filter(
      (pause) => pause.subject === subject && (typeof issuer !== "string" || pause.issuer === issuer),
    );
    const [pause, ...others] = paused;
    if (pause === undefined) return null;
    if (others.length > 0)
      throw badInput('Callers of several issuers are paused by this name: give "issuer".');
    const resumed = await this.#pausedCallers.resume(pause, caller);
    return resumed === undefined ? null : toCallerPause(resumed);
  }
}
