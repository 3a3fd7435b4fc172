import { onTestFinished, TestRunner } from "vitest";

const whenFileIsOver: (() => Promise<void>)[] = [];

/** Runs a clean-up after the current test, or after the file if called outside a test. */
export function whenOver(end: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() === undefined) whenFileIsOver.push(end);
  else onTestFinished(end);
}

/** Runs the clean-ups of a file, the last one first. */
export async function endFile(): Promise<void> {
  for (const end of whenFileIsOver.splice(0).reverse()) await end();
}
