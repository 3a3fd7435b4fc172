import { afterAll, onTestFinished, TestRunner } from "vitest";

const whenFileIsOver: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const end of whenFileIsOver.splice(0).reverse()) await end();
});

/** Ends something when the test is over in which it was started, or the file, where that was outside a test. */
export function whenOver(end: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() === undefined) whenFileIsOver.push(end);
  else onTestFinished(end);
}
