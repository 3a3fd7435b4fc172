import type { AccessKey, AccessKeyInput, SeedInput, User, UserInput } from "../account/seed-schema.ts";
import type { ClockView } from "../emulator-clock.ts";
import type { FaultInput, FaultView } from "../faults/fault-schema.ts";
import type { ActionCounters } from "../journal/counters.ts";
import type { JournalEntry, JournalFilter } from "../journal/journal.ts";
import type { ClockChange } from "./clock-change.ts";

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
