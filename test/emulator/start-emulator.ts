import { onTestFinished } from "vitest";
import {
  type CamEmulator,
  type CamEmulatorOptions,
  type EmulatorEvent,
  startCamEmulator,
} from "../../src/emulator/index.ts";

export type RecordedEmulator = CamEmulator & { events: EmulatorEvent[] };

/** Starts a real emulator on free ports until the end of the test. Every run has the same RequestIds. */
export async function startEmulator(options: CamEmulatorOptions = {}): Promise<RecordedEmulator> {
  const events: EmulatorEvent[] = [];
  const emulator = await startCamEmulator({
    randomSeed: 1,
    ...options,
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => emulator.stop());
  return { ...emulator, events };
}
