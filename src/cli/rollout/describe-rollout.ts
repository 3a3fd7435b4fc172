import { describeCamError, type MfaRollout } from "../../client/index.ts";
import { durationOf, ITEM_WORDS, optionsOf } from "../../rollout-words.ts";
import { printable } from "../command.ts";

/** Describes a rollout in lines: its status, its users, why some are not changed, and its price. */
export function describeRollout(rollout: MfaRollout): readonly string[] {
  const { id, name, status, code, hint, counts, reasons, progress, proof } = rollout;
  return [
    `rollout ${id} ${JSON.stringify(name)}: ${status}`,
    ...(hint === null ? [] : [`  ${printable(hint)}`]),
    ...(code === null ? [] : [`  ${explain(code)}`]),
    ...describePlan(rollout),
    ...optionsOf(rollout).map((option) => printable(`  ${option}`)),
    ...ITEM_WORDS.filter(([, , field]) => counts[field] > 0).map(
      ([, title, field]) => `  ${String(counts[field]).padStart(7)} ${title}`,
    ),
    ...reasons.map(
      ({ state, code: why, users }) =>
        `  ${users} ${state.toLowerCase().replaceAll("_", " ")}: ${explain(why)}`,
    ),
    ...(rollout.startedAt === null ? [] : [`  ${progress.done} of ${progress.total} settled`]),
    ...(progress.awaitsRelease
      ? [`  Wave ${(progress.wave ?? 0) + 1} waits for: cam-gateway rollout release ${id}`]
      : []),
    ...(proof?.sealed === true ? [`  read again at ${proof.readBackAt}: ${proof.differences} differ`] : []),
  ];
}

function describePlan({ planHash, price, expiresAt, startedAt, approval }: MfaRollout): readonly string[] {
  if (planHash === null) return [];
  return [
    `  plan ${planHash}`,
    ...(startedAt === null && expiresAt !== null ? [`  to start before ${expiresAt}`] : []),
    ...(approval === null || approval.decision !== null
      ? []
      : [`  awaits approval until ${approval.expiresAt}`]),
    ...(price === null
      ? []
      : [
          `  ${price.camCalls} calls to CAM, about ${durationOf(price.seconds)}; stops when more than ` +
            `${price.failuresAllowed} users fail`,
          ...describeLosses(price.usersLosingProtection),
        ]),
  ];
}

function describeLosses(users: number | null): readonly string[] {
  return (users ?? 0) === 0 ? [] : [`  WARNING: ${users} users lose login or operation protection`];
}

function explain(code: Parameters<typeof describeCamError>[0]): string {
  const { message, remedy } = describeCamError(code);
  return `${code}: ${message} ${remedy}`;
}
