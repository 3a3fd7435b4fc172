/**
 * A local CAM: it verifies real signatures, limits the rate, keeps users in memory and plays faults on request. It shares
 * no code with the gateway, so that a mistake in one is not repeated in the other. Read start-cam-emulator.ts next, then
 * cam-listener.ts, which lists the steps of a call. README.md lists users and faults.
 */

export type { EmulatorControl } from "./emulator-control.ts";
export type { EmulatorEvent } from "./emulator-event.ts";
export type { FaultInput } from "./fault-plan.ts";
export { InputProblems } from "./input-problems.ts";
export type { JournalEntry } from "./journal.ts";
export type { ParsedSeed, SeedInput, UserInput } from "./seed.ts";
export { loadSeedFile, parseSeed } from "./seed.ts";
export { type CamEmulator, type CamEmulatorOptions, startCamEmulator } from "./start-cam-emulator.ts";
