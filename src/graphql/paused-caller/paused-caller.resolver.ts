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
import type { PausedCallers } from "../../changes/change-access.ts";
import { badInput } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { MfaChangeCaller } from "../mfa-change/mfa-change.type.ts";

@CamCalls(0)
@ObjectType({ description: "A pause of a caller. A paused caller may not change users." })
class CallerPause {
  @Field(() => String, { description: "The subject of the caller." })
  subject!: string;

  @Field(() => String, { nullable: true, description: "The issuer of the caller's token or certificate." })
  issuer?: string | undefined;

  @Field(() => GraphQLISODateTime, { description: "The start of the pause, by the database's clock." })
  pausedAt!: Date;

  @Field(() => Int, {
    description:
      "The number of different users whose changes the caller requested or approved. It exceeded the " +
      "limit.",
  })
  users!: number;

  @Field(() => Int, { description: "The minutes in which the caller reached that number." })
  withinMinutes!: number;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The end of the pause. Null while it lasts.",
  })
  resumedAt?: Date | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "The operator who ended the pause." })
  resumedBy?: MfaChangeCaller | undefined;
}

function toCallerPause({ subject, issuer, pausedAt, users, withinMs, resumed }: RecordedPause): CallerPause {
  const withinMinutes = Math.round(withinMs / 60_000);
  const pause = { subject, issuer, pausedAt, users, withinMinutes };
  return { ...pause, resumedAt: resumed?.at, resumedBy: resumed?.by };
}

/** Shows and ends the pauses of the bulk guard, for operators. */
@Resolver()
export class PausedCallerResolver {
  readonly #pausedCallers: Pick<PausedCallers, "list" | "resume">;

  constructor(deps: { readonly pausedCallers: Pick<PausedCallers, "list" | "resume"> }) {
    this.#pausedCallers = deps.pausedCallers;
  }

  @RequiresScope("cam.callers:resume")
  // A router can keep fields with this tag out of its public schema.
  @Directive('@tag(name: "internal")')
  @Query(() => [CallerPause], {
    description:
      "The paused callers, the latest first. The gateway pauses a caller who changes too many users in a short time.",
  })
  async pausedCallers(): Promise<readonly CallerPause[]> {
    return (await this.#pausedCallers.list()).map(toCallerPause);
  }

  @RequiresScope("cam.callers:resume")
  @Directive('@tag(name: "internal")')
  @Mutation(() => CallerPause, {
    nullable: true,
    description:
      "Resumes a paused caller and restarts the count of their users. Null if no such caller is paused.",
  })
  async resumeCaller(
    @Arg("subject", () => String, { description: "The subject of the caller." }) subject: string,
    @Arg("issuer", () => String, {
      nullable: true,
      description: "The issuer of the caller, needed if paused callers of several issuers have this subject.",
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
      throw badInput('Paused callers of several issuers have this subject: give "issuer".');
    const resumed = await this.#pausedCallers.resume(pause, caller);
    return resumed === undefined ? null : toCallerPause(resumed);
  }
}
