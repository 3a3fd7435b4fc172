import { z } from "zod";
import {
  type AccessKey,
  type AccessKeyInput,
  parseSeed,
  type SeedInput,
  type User,
  type UserInput,
} from "../account/seed.ts";
import type { ClockView } from "../emulator-clock.ts";
import type { EmulatorState } from "../emulator-state.ts";
import type { FaultInput, FaultView } from "../faults/fault-schema.ts";
import { parseInput } from "../input-problems.ts";
import type { ActionCounters, JournalEntry, JournalFilter } from "../journal/journal.ts";

/** Applied in this order: offset, freeze or resume, advance. */
const clockChangeSchema = z
  .strictObject({
    /** Sets the wall clock wrong by so much; the monotonic hand does not move. */
    offsetMs: z.int().optional(),
    /** True stops both hands, false lets them run. */
    frozen: z.boolean().optional(),
    /** Where the wall clock stands when it is stopped: milliseconds since the epoch. */
    atMs: z.int().nonnegative().optional(),
    /** Moves both hands forward. */
    advanceMs: z.number().nonnegative().optional(),
  })
  .refine((change) => change.atMs === undefined || change.frozen === true, {
    path: ["atMs"],
    message: "only means something together with frozen: true",
  });

export type ClockChange = z.input<typeof clockChangeSchema>;

/** A key without what it must not tell. */
export type KeyView = Omit<AccessKey, "secretKey" | "token">;

/** What can be changed of a key that is there: `expiresAt` ends one, `disabled` revokes it. */
export type KeyChange = Partial<Omit<AccessKeyInput, "secretId">>;

/**
 * What a test or an operator may do to the emulator, the same over HTTP and in process. Bad input throws
 * InputProblems and changes nothing.
 */
export interface EmulatorControl {
  /** Back to the seed; faults, journal, counters, rate windows, random stream and clock start again. */
  reset(): void;
  /** Takes another seed and resets to it. */
  seed(seed: SeedInput): void;
  users(): User[];
  user(uin: string): User | undefined;
  /** Creates a user, or changes only the given fields of one that is there. */
  putUser(user: Partial<UserInput> & { uin: string }): User;
  /** False when there was none. */
  deleteUser(uin: string): boolean;
  keys(): KeyView[];
  /** Creates a key, or replaces the one of the same secretId whole. */
  putKey(key: AccessKeyInput): KeyView;
  /** Changes only the given fields of a key; undefined where there is none of that name. */
  changeKey(secretId: string, change: KeyChange): KeyView | undefined;
  deleteKey(secretId: string): boolean;
  /** How long temporary keys last that are issued from now on, whatever was asked for; null as asked for. */
  setKeyLifetime(seconds: number | null): number | null;
  faults(): FaultView[];
  addFault(fault: FaultInput): FaultView;
  /** Takes back one fault, or all of them. False when there is none of that id. */
  clearFaults(id?: string): boolean;
  clock(): ClockView;
  setClock(change: ClockChange): ClockView;
  journal(filter?: JournalFilter): JournalEntry[];
  clearJournal(): void;
  counters(): Record<string, ActionCounters>;
}

/** The in-process handle. What it hands out are copies: only its methods change the emulator. */
export function createControl(state: EmulatorState): EmulatorControl {
  return {
    reset: () => state.reset(),
    seed: (seed) => state.reset(parseSeed(seed)),
    users: () => structuredClone(state.account.users()),
    user: (uin) => structuredClone(state.account.user(uin)),
    putUser: ({ uin, ...fields }) => structuredClone(state.account.putUser(uin, fields)),
    deleteUser: (uin) => state.account.deleteUser(uin),
    keys: () => state.account.keys().map(withoutSecrets),
    putKey: (key) => withoutSecrets(state.account.putKey(key)),
    changeKey: (secretId, change) => {
      const key = state.account.changeKey(secretId, change);
      return key && withoutSecrets(key);
    },
    setKeyLifetime: (seconds) => {
      state.issuer.lifetimeSeconds = seconds ?? undefined;
      return seconds;
    },
    deleteKey: (secretId) => state.account.deleteKey(secretId),
    faults: () => state.faults.list(),
    addFault: (fault) => state.faults.add(fault),
    clearFaults: (id) => state.faults.remove(id),
    clock: () => state.clock.view(),
    setClock: (input) => {
      const change = parseInput(clockChangeSchema, input, "The clock change is not valid");
      if (change.offsetMs !== undefined) state.clock.setOffset(change.offsetMs);
      if (change.frozen === true) state.clock.freeze(change.atMs);
      if (change.frozen === false) state.clock.resume();
      if (change.advanceMs !== undefined) state.clock.advance(change.advanceMs);
      return state.clock.view();
    },
    journal: (filter) => {
      state.account.applyLate();
      return state.journal.list(filter);
    },
    clearJournal: () => state.journal.clear(),
    counters: () => {
      state.account.applyLate();
      return state.counters.view();
    },
  };
}

function withoutSecrets({ secretKey: _secretKey, token: _token, ...rest }: AccessKey): KeyView {
  return rest;
}
