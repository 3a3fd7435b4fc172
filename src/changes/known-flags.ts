import type { RecentWrite } from "../audit/change-record.ts";
import type { Protection } from "../auth/policy/policy.ts";
import type { MfaFlagSet, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import { matchesFlagSet, WRITABLE } from "./compose-flag-sets.ts";

/** CAM: as CAM showed the user. GATEWAY: with a recent write of the gateway's in the place of what CAM showed. */
export type KnowledgeSource = "CAM" | "GATEWAY";

/** A user's protections, and whose knowledge that is. */
export interface KnownFlags extends SafeAuthFlags {
  readonly source: KnowledgeSource;
  /** When the reading began, or when the outcome of the gateway's latest write became known: ISO 8601, in UTC. */
  readonly asOf: string;
}

/** A user as CAM showed them. */
export interface Reading extends SafeAuthFlags {
  readonly asOf: string;
}

/** The parts of a write on record that its runner put there. */
export type KnownWrite = Pick<RecentWrite, "status" | "finishedAt"> & {
  readonly before: SafeAuthFlags;
  readonly sent: Partial<SetMfaFlagInput>;
};

const PROTECTIONS: readonly Protection[] = ["login", "action"];

/**
 * A reading with the applied ones of our recent writes, which CAM may not show yet: a flag that one of them changed is as the
 * last of these left it.
 *
 * @param writes in the order in which CAM heard of them.
 */
export function withRecentWrites(reading: Reading, writes: readonly KnownWrite[]): KnownFlags {
  let { login, action } = reading;
  let latest: Date | undefined;
  for (const write of writes) {
    if (write.status !== "applied") continue;
    const changed = { login: changesOf(write, "login"), action: changesOf(write, "action") };
    if (Object.keys(changed.login).length + Object.keys(changed.action).length === 0) continue;
    latest = write.finishedAt;
    login = { ...login, ...changed.login };
    action = { ...action, ...changed.action };
  }
  const isOurs = PROTECTIONS.some((protection) => {
    const known = protection === "login" ? login : action;
    return WRITABLE.some((method) => known[method] !== reading[protection][method]);
  });
  if (latest === undefined || !isOurs) return { login, action, source: "CAM", asOf: reading.asOf };
  return { login, action, source: "GATEWAY", asOf: latest.toISOString() };
}

/** The writes after the last applied one: what they sent may be in force, or come into force. */
export function trailingUnknown(writes: readonly KnownWrite[]): readonly KnownWrite[] {
  const lastApplied = writes.findLastIndex(({ status }) => status === "applied");
  return writes.slice(lastApplied + 1);
}

/** The user as a write of unknown outcome leaves them if it takes effect. */
export function asIfApplied(known: SafeAuthFlags, { sent }: KnownWrite): SafeAuthFlags {
  return { login: { ...known.login, ...sent.login }, action: { ...known.action, ...sent.action } };
}

/**
 * Whether a reading that shows what `flagSets` ask for may show one of these images instead: each flag set is in one of them
 * as well.
 */
export function mayBeAnother(
  flagSets: Partial<SetMfaFlagInput>,
  images: readonly Partial<Record<Protection, MfaFlagSet | MfaFlagState>>[],
): boolean {
  return PROTECTIONS.every((protection) => {
    const flagSet = flagSets[protection];
    return flagSet === undefined || images.some((image) => matchesFlagSet(image[protection], flagSet));
  });
}

/** The flags of a protection that a write changed, as it left them. */
function changesOf({ before, sent }: KnownWrite, protection: Protection): Partial<MfaFlagSet> {
  const flagSet = sent[protection];
  if (flagSet === undefined) return {};
  const changed = WRITABLE.filter((method) => flagSet[method] !== before[protection]?.[method]);
  return Object.fromEntries(changed.map((method) => [method, flagSet[method]]));
}
