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
