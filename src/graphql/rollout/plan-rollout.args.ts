import { Field, Float, InputType, Int } from "type-graphql";
import { DAYS, isTimeZone } from "../../auth/policy/hours.ts";
import type { Uin } from "../../contract/index.ts";
import { MAX_USERS, type RolloutOptions, type RolloutWindow, type Wave } from "../../rollouts/rollout.ts";
import { LONGEST_NAME, type PlanRequest } from "../../rollouts/rollout-service.ts";
import { badInput, LONGEST_REASON, toReason, UinScalar } from "../arguments.ts";
import {
  accountsOptions,
  SubUserDirectoryFilter,
  toSelection,
} from "../directory/sub-user-directory.args.ts";
import { toMethods } from "../mfa/set-sub-user-mfa.resolver.ts";
import { LoginActionMfaFlagInput } from "../sub-user/sub-user.type.ts";

const MAX_WAVES = 20;
/** Seven days: a run stops after them (advance_rollout in schema/functions.sql). */
const RUN_HOURS = 168;

@InputType({ description: "The users of a rollout. All given properties have to match." })
class MfaRolloutSelectionInput {
  @Field(() => [String], accountsOptions)
  accounts?: readonly string[] | null;

  @Field(() => SubUserDirectoryFilter, {
    nullable: true,
    description: "Filters users. The planner first reads again what is older than an hour.",
  })
  filter?: SubUserDirectoryFilter | null;

  @Field(() => [UinScalar], {
    nullable: true,
    description: `The users' Uins, at most ${MAX_USERS}. A repeated one counts once.`,
  })
  opUins?: readonly Uin[] | null;
}

@InputType({
  description: "The wanted protections. A method that is left out stays unchanged for each user.",
})
class MfaRolloutDesiredInput {
  @Field(() => LoginActionMfaFlagInput, { nullable: true, description: "Login protection." })
  login?: LoginActionMfaFlagInput | null;

  @Field(() => LoginActionMfaFlagInput, { nullable: true, description: "Operation protection." })
  action?: LoginActionMfaFlagInput | null;
}

@InputType({ description: "The error budget. Give either a number or a percentage." })
class MfaRolloutMaxFailuresInput {
  @Field(() => Int, { nullable: true, description: "A number of users." })
  count?: number | null;

  @Field(() => Float, { nullable: true, description: "A percentage of the users to change, rounded down." })
  percent?: number | null;
}

@InputType({ description: "A number of users that are changed before all others." })
class MfaRolloutWaveInput {
  @Field(() => Int, { description: "The users of the wave." })
  users!: number;

  @Field(() => Int, {
    nullable: true,
    description: `The hours before the next wave. None if left out or null. All together less than ${RUN_HOURS}.`,
  })
  holdHours?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether the next wave waits for `releaseMfaRolloutWave`. It does not if left out or null.",
  })
  waitForRelease?: boolean | null;
}

@InputType({ description: "The times at which items may begin." })
class MfaRolloutWindowInput {
  @Field(() => [String], { nullable: true, description: `The days: ${DAYS.join(", ")}. Default: every day.` })
  days?: readonly string[] | null;

  @Field(() => String, { description: "The first minute, `HH:MM`." })
  from!: string;

  @Field(() => String, { description: "The end, `HH:MM`, not included. `24:00` is the end of the day." })
  to!: string;

  @Field(() => String, { description: "The time zone, for example `Asia/Shanghai`." })
  timeZone!: string;
}

@InputType({ description: "A rollout to plan." })
export class PlanMfaRolloutInput {
  @Field(() => String, { description: `A name for people, at most ${LONGEST_NAME} characters.` })
  name!: string;

  @Field(() => String, {
    description: `The reason for the record of each change, at most ${LONGEST_REASON} characters.`,
  })
  reason!: string;

  @Field(() => MfaRolloutSelectionInput, { description: "The users." })
  selection!: MfaRolloutSelectionInput;

  @Field(() => MfaRolloutDesiredInput, { description: "The wanted protections." })
  desired!: MfaRolloutDesiredInput;

  @Field(() => MfaRolloutMaxFailuresInput, {
    nullable: true,
    description:
      "The failures that the rollout accepts. None if left out or null: the first failure stops it.",
  })
  maxFailures?: MfaRolloutMaxFailuresInput | null;

  @Field(() => [MfaRolloutWaveInput], {
    nullable: true,
    description: `The waves, at most ${MAX_WAVES}. Further users form one more.`,
  })
  waves?: readonly MfaRolloutWaveInput[] | null;

  @Field(() => MfaRolloutWindowInput, {
    nullable: true,
    description: "When items may begin. Always by default.",
  })
  window?: MfaRolloutWindowInput | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether to change users that may be unable to sign in afterwards.",
  })
  includeAtRisk?: boolean | null;
}

/** Returns the request of a plan. @throws GraphQLError BAD_USER_INPUT */
export function toPlanRequest(input: PlanMfaRolloutInput): PlanRequest {
  const { selection, desired } = input;
  const { accounts, filter, opUins } = selection;
  if (filter?.staleSince)
    throw badInput('"staleSince" selects by the age of knowledge, which a plan renews. Leave it out.');
  if (filter?.opUins) throw badInput('Give Uins in "selection.opUins", not in its filter.');
  const { accounts: _, ...toFilter } = toSelection([], { filter: filter ?? null });
  return {
    name: toText("name", input.name, LONGEST_NAME),
    reason: toText("reason", input.reason, LONGEST_REASON),
    selection: { accounts: accounts ?? undefined, filter: toFilter, opUins: opUins ?? undefined },
    desired: { login: toMethods(desired.login), action: toMethods(desired.action) },
    maxFailures: toMaxFailures(input.maxFailures),
    waves: toWaves(input.waves ?? []),
    window: input.window ? toWindow(input.window) : undefined,
    includeAtRisk: input.includeAtRisk ?? false,
  };
}

/** Returns the text of a required argument, without characters that readers cannot see. */
export function toText(name: "name" | "reason", text: string, longest: number): string {
  const given = toReason(text, name);
  if (given === undefined) throw badInput(`"${name}" is empty.`);
  if (given.length > longest) throw badInput(`"${name}" is longer than ${longest} characters.`);
  return given;
}

function toMaxFailures(given: MfaRolloutMaxFailuresInput | null | undefined): RolloutOptions["maxFailures"] {
  const { count, percent } = given ?? {};
  if (typeof count === "number" && typeof percent === "number")
    throw badInput('"maxFailures" has both count and percent. Give one of them.');
  if (typeof percent === "number") {
    if (!(percent >= 0 && percent <= 100)) throw badInput('"maxFailures.percent" must be from 0 to 100.');
    return { percent };
  }
  if ((count ?? 0) < 0) throw badInput('"maxFailures.count" must be at least 0.');
  return { count: count ?? 0 };
}

function toWaves(waves: readonly MfaRolloutWaveInput[]): readonly Wave[] {
  if (waves.length > MAX_WAVES) throw badInput(`"waves" has more than ${MAX_WAVES} waves.`);
  let heldHours = 0;
  const given = waves.map(({ users, holdHours, waitForRelease }) => {
    if (users < 1) throw badInput('"waves.users" must be at least 1.');
    const hold = holdHours ?? 0;
    if (hold < 0) throw badInput('"waves.holdHours" must be at least 0.');
    heldHours += hold;
    return { users, holdHours: hold, waitForRelease: waitForRelease ?? false };
  });
  if (heldHours >= RUN_HOURS) {
    throw badInput(`"waves" hold for ${heldHours} hours together, and a run stops after ${RUN_HOURS}.`);
  }
  return given;
}

function toWindow({ days, from, to, timeZone }: MfaRolloutWindowInput): RolloutWindow {
  if (!isTimeZone(timeZone)) throw badInput('"window.timeZone" must be a time zone such as Asia/Shanghai.');
  for (const time of [from, to])
    if (!/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(time))
      throw badInput('"window.from" and "window.to" must be times such as 09:30.');
  if (from >= to) throw badInput('"window" must begin before it ends.');
  if (days?.length === 0) throw badInput('"window.days" is empty. Leave it out for every day.');
  for (const day of days ?? [])
    if (!DAYS.some((known) => known === day)) throw badInput(`"window.days" must be of ${DAYS.join(", ")}.`);
  return { timeZone, days: days ?? undefined, from, to };
}
