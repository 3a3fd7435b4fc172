import { error, info, type LogEvent, warn } from "./log-event.ts";

/** The events of rollouts. Each change of a rollout has its own line too, as any other change, with `rolloutId`. */
export const ROLLOUT_LOG_EVENTS = {
  "rollout.accounts_lost": warn(
    "users of a rollout are blocked: their account was removed",
    "`items` is their number. Plan another rollout once the account is configured again.",
  ),
  "rollout.approval_requested": info(
    "a rollout awaits approval",
    "Another caller with the permission for every change of the plan can approve it until `expiresAt`.",
  ),
  "rollout.caller_paused": warn(
    "a rollout is paused: the bulk guard paused the caller who started or approved it",
    "Find out why. `resumeCaller` ends the pause of the caller, and `resumeMfaRollout` that of the rollout.",
  ),
  "rollout.cancelled": info("a rollout was cancelled", "Changes under way are still settled."),
  "rollout.expired": info("a rollout was not approved in time", "Nothing was changed. Plan it again."),
  "rollout.finished": info(
    "a rollout is done",
    "Every user is settled. The gateway reads them once more, and then seals the result.",
  ),
  "rollout.forged": error(
    "a rollout was stopped, because no gateway with this signing key started it",
    "A person wrote to the database, or it started before the gateway had a signing key. Find out which, then plan again.",
  ),
  "rollout.lane_failed": error(
    "the part of a rollout in one account met an unexpected error; it continues",
    "`err` names the fault. A user whose change failed by it has the code INTERNAL.",
  ),
  "rollout.lane_paused": warn(
    "the part of a rollout in one account waits",
    "`code` gives the cause: CAM throttles calls, is unavailable, or does not accept the key. It continues by itself.",
  ),
  "rollout.paused": info("a rollout is paused", "No change of it begins until `resumeMfaRollout`."),
  "rollout.plan_altered": error(
    "a plan does not start: its rows in the database were altered",
    "The rows of `rolloutId` do not match the hash of its plan. Find out who wrote to the database.",
  ),
  "rollout.plan_failed": warn(
    "a rollout could not be planned",
    "`code` and `camCode` name the fault. Its caller reads the same code in the rollout, and can plan again.",
  ),
  "rollout.planned": info("a rollout is planned", "`mfaRollout` shows the plan of `rolloutId`."),
  "rollout.plans_interrupted": warn(
    "plans of rollouts wait",
    "`err` names the fault, for example that the database is unavailable. The gateway tries again within a minute.",
  ),
  "rollout.rejected": info("a rollout was rejected or withdrawn", "Nothing was changed."),
  "rollout.resumed": info("a rollout continues", "`by` resumed it."),
  "rollout.sealed": info(
    "every user of a rollout was read once more, and the result is sealed",
    "`cam-gateway rollout prove` writes the proof.",
  ),
  "rollout.started": info("a rollout started", "`users` are to be changed."),
  "rollout.stopped": warn(
    "a rollout stopped by itself",
    "`hint` says why: more users failed than its error budget allows, or its time is over. Look at its failed items.",
  ),
  "rollout.wave_began": info("the next wave of a rollout began", "`wave` counts from 1."),
  "rollouts.not_run": error(
    "rollouts cannot run now",
    "The gateway tries again every five seconds. `err` says what is wrong, mostly with the database.",
  ),
} as const satisfies Readonly<Record<string, LogEvent>>;
