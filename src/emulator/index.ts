/**
 * A local CAM: it verifies real signatures, limits the rate, keeps users in memory and plays faults on request. It is a program
 * of its own (main.ts) and shares no code with the gateway, so that a mistake in one is not repeated in the other. Read
 * start-cam-emulator.ts next, then answer-request.ts, which lists the steps of a call. README.md lists users and faults.
 */

export type {
  AccessKey,
  AccessKeyInput,
  ParsedSeed,
  SeedInput,
  User,
  UserInput,
} from "./account/seed.ts";
export { loadSeedFile, parseSeed } from "./account/seed.ts";
export type { ClockChange, EmulatorControl, KeyChange, KeyView } from "./control/emulator-control.ts";
export type { ClockView } from "./emulator-clock.ts";
export type { EmulatorEvent } from "./emulator-event.ts";
export type { FaultInput, FaultKind, FaultView } from "./faults/fault-schema.ts";
export { InputProblems } from "./input-problems.ts";
export type { ActionCounters, JournalEntry, JournalFilter } from "./journal/journal.ts";
export { type CamEmulator, type CamEmulatorOptions, startCamEmulator } from "./start-cam-emulator.ts";
