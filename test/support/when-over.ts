import { afterAll, onTestFinished, TestRunner } from "vitest";

const whenFileIsOver: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const end of whenFileIsOver.splice(0).reverse()) await end();
});

/** Runs a clean-up after the current test, or after the file if called outside a test. */
export function whenOver(end: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() === undefined) whenFileIsOver.push(end);
  else onTestFinished(end);
}
