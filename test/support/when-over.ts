import { onTestFinished, TestRunner } from "vitest";

const endsOfFile: (() => Promise<void>)[] = [];

/** Runs a clean-up after the current test, or after the file if called outside a test. */
export function whenOver(end: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() === undefined) whenFileIsOver(end);
  else onTestFinished(end);
}

/** Runs a clean-up after the file, also if called in a test. */
export function whenFileIsOver(end: () => Promise<void>): void {
  endsOfFile.push(end);
}

/** Runs the clean-ups of a file, the last one first. */
export async function endFile(): Promise<void> {
  for (const end of endsOfFile.splice(0).reverse()) await end();
}
