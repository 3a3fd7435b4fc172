import { z } from "zod";
import type { ClockView } from "./emulator-clock.ts";
import type { EmulatorState } from "./emulator-state.ts";
import type { FaultInput, FaultView } from "./fault-plan.ts";
import { parseInput } from "./input-problems.ts";
import type { ActionCounters, JournalEntry, JournalFilter } from "./journal.ts";
import {
  type AccessKey,
  type AccessKeyInput,
  parseSeed,
  type SeedInput,
  type User,
  type UserInput,
} from "./seed.ts";

/** A change of the clock, applied in this order: offset, freeze or resume, advance. */
const clockChangeSchema = z
  .strictObject({
    /** Error of the wall clock, in milliseconds. The monotonic clock does not move. */
    offsetMs: z.int().optional(),
    /** True stops both clocks, false resumes them. */
    frozen: z.boolean().optional(),
    /** Wall-clock time of the stopped clock: milliseconds since the epoch. */
    atMs: z.int().nonnegative().optional(),
    /** Moves both clocks forward, in milliseconds. */
    advanceMs: z.number().nonnegative().optional(),
  })
  .refine((change) => change.atMs === undefined || change.frozen === true, {
    path: ["atMs"],
    message: "requires frozen: true",
  });

export type ClockChange = z.input<typeof clockChangeSchema>;

/** A key without its secret parts. */
type KeyView = Omit<AccessKey, "secretKey" | "token">;

/** The changeable fields of a key: `expiresAt` ends it, `disabled` revokes it. */
export type KeyChange = Partial<Omit<AccessKeyInput, "secretId">>;

/**
 * Controls the emulator, with the same operations over HTTP and in process. Bad input throws InputProblems and changes
 * nothing.
 */
export interface EmulatorControl {
  /** Restores the seed and clears faults, journal, counters, rate windows, random stream and clock. */
  reset(): void;
  /** Replaces the seed and resets to it. */
  seed(seed: SeedInput): void;
  users(): User[];
  user(uin: string): User | undefined;
  /** Creates a user, or changes the given fields of an existing one. */
  putUser(user: Partial<UserInput> & { uin: string }): User;
  /** Returns false for an unknown user. */
  deleteUser(uin: string): boolean;
  keys(): KeyView[];
  /** Creates a key, or replaces the key of the same secretId. */
  putKey(key: AccessKeyInput): KeyView;
  /** Changes the given fields of a key. Returns undefined for an unknown key. */
  changeKey(secretId: string, change: KeyChange): KeyView | undefined;
  deleteKey(secretId: string): boolean;
  /** Sets the lifetime of temporary keys issued from now on; null uses the requested one. */
  setKeyLifetime(seconds: number | null): number | null;
  faults(): FaultView[];
  addFault(fault: FaultInput): FaultView;
  /** Removes one fault, or all. Returns false for an unknown id. */
  clearFaults(id?: string): boolean;
  clock(): ClockView;
  setClock(change: ClockChange): ClockView;
  journal(filter?: JournalFilter): JournalEntry[];
  clearJournal(): void;
  counters(): Record<string, ActionCounters>;
}

/** Creates the in-process control. It returns copies: only its methods change the emulator. */
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
