import { type Circumstances, SimulatedReplica } from "./simulate-replicas.ts";
import { openSimulatedDatabase } from "./simulated-database.ts";
import { SimulatedTime } from "./simulated-time.ts";

/** Constant delays of milliseconds. */
const CALM: Circumstances = {
  databaseWayMs: () => 1,
  writingMs: () => 1,
  deliveryMs: () => 5,
  replyMs: () => 2,
  outcome: () => "ANSWERED",
};

/** Usual delays: some steps take much longer. */
export function usualDay(time: SimulatedTime): Partial<Circumstances> {
  const sometimes = (usualMs: number, rareMs: number) =>
    time.random() < 0.03 ? time.between(usualMs, rareMs) : time.between(usualMs / 4, usualMs);
  return {
    databaseWayMs: () => sometimes(2, 40),
    writingMs: () => sometimes(3, 150),
    deliveryMs: () => sometimes(6, 80),
    outcome: () => "ANSWERED",
  };
}

/** CAM is 30 ms away each way, with jitter, and one packet in a hundred arrives much later. */
export function distantCam(time: SimulatedTime): Partial<Circumstances> {
  const wayMs = () => 30 - 25 * Math.log(1 - time.random()) + (time.random() < 0.01 ? 200 : 0);
  return { deliveryMs: wayMs, replyMs: wayMs };
}

export interface ReplicasOptions {
  readonly count?: number;
  readonly seed?: number;
  readonly circumstances?: (time: SimulatedTime) => Partial<Circumstances>;
}

/** Replicas on one real PostgreSQL, in simulated time. */
export async function openReplicas({ count = 1, seed = 1, circumstances }: ReplicasOptions = {}) {
  const time = new SimulatedTime(seed);
  const database = await openSimulatedDatabase(time);
  const start = (name: string) =>
    new SimulatedReplica(name, time, database, { ...CALM, ...circumstances?.(time) });
  const replicas = Array.from({ length: count }, (_, index) => start(`r${index}`));
  const [first] = replicas;
  if (first === undefined) throw new Error("No replica was opened.");

  /** Makes calls at the given average rate from now on, at the replicas that run at that time. */
  const offer = (forMs: number, perSecond: number, call: (replica: SimulatedReplica) => unknown) => {
    for (let inMs = 0; inMs < forMs; inMs += time.between(0, 2_000 / perSecond)) {
      time.after(inMs, () => {
        const replica = replicas[Math.floor(time.random() * replicas.length)];
        if (replica !== undefined) void call(replica);
      });
    }
  };
  return { time, database, start, replicas, first, offer };
}
