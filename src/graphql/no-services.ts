import type { SchemaDeps } from "./schema.ts";

const unserved = (): Promise<never> => Promise.reject(new Error("This schema has no services."));

/** The services of a schema that is only printed, compared or measured. Each of their methods fails. */
export const NO_SERVICES: SchemaDeps = {
  changes: { setSubUserMfa: unserved, approve: unserved, reject: unserved },
  pausedCallers: { list: unserved, resume: unserved },
  log: { find: unserved, read: unserved, list: unserved },
  events: { list: unserved },
  accounts: { visibleTo: () => [], select: () => [], require: () => ({ name: "default" }) },
  directory: { list: unserved, count: unserved, coverage: unserved },
  drift: { list: unserved },
  scans: { request: unserved, pause: unserved, resume: unserved, states: unserved },
  plans: {
    ...{ plan: unserved, planUndo: unserved, require: unserved, find: unserved, list: unserved },
    ...{ counts: unserved, reasons: unserved, items: unserved, countItems: unserved },
  },
  bundles: { read: unserved },
  runs: {
    ...{ start: unserved, approve: unserved, reject: unserved, pause: unserved, resume: unserved },
    ...{ cancel: unserved, releaseWave: unserved, lanes: unserved, proof: unserved },
  },
};
