export { loadSeedFile, parseSeed } from "./account/load-seed.ts";
export type {
  AccessKey,
  AccessKeyInput,
  ParsedSeed,
  SeedInput,
  User,
  UserInput,
} from "./account/seed-schema.ts";
export type { ClockChange } from "./control/clock-change.ts";
export type { EmulatorControl, KeyChange, KeyView } from "./control/emulator-control.ts";
export type { ClockView } from "./emulator-clock.ts";
export type { EmulatorEvent } from "./emulator-event.ts";
export type { FaultInput, FaultKind, FaultView } from "./faults/fault-schema.ts";
export { InputProblems } from "./input-problems.ts";
export type { ActionCounters } from "./journal/counters.ts";
export type { JournalEntry, JournalFilter } from "./journal/journal.ts";
export { type CamEmulator, type CamEmulatorOptions, startCamEmulator } from "./start-cam-emulator.ts";
