import { randomUUID } from "node:crypto";
import type { Database } from "../database/database.ts";
import { JobQueue } from "../jobs/job-queue.ts";
import type { Foundation } from "./foundation.ts";

/** The dependencies that parts with background work share. */
export interface JobParts {
  /** Names this process among the replicas, and no other process at any time. */
  readonly owner: string;
  readonly send: JobQueue["send"];
}

/** Opens the queue of background jobs. It runs jobs once it is started with their kinds. */
export function openJobs(
  { config, clock, telemetry: { report }, closers }: Foundation,
  database: Database,
): { readonly queue: JobQueue; readonly parts: JobParts } {
  const queue = new JobQueue({
    ...{ store: database.jobs, clock },
    observer: {
      onUnavailable: (err) => report("jobs.unavailable", { err }),
      onStarted: () => report("jobs.started"),
      onError: (err) => report("jobs.failed", { err }),
    },
  });
  closers.defer(() => queue.stop());
  const owner = `${config.replica} ${randomUUID()}`;
  return { queue, parts: { owner, send: (...job) => queue.send(...job) } };
}
