import type { z } from "zod";

/** Reports every mistake in the emulator's own input: a seed, a control call or a setting. */
export class InputProblems extends Error {
  override readonly name = "InputProblems";
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[], options?: ErrorOptions) {
    super(`${what}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`, options);
    this.problems = problems;
  }
}

/** Parses the input. Throws InputProblems with each wrong field. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown, what: string): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.map(String).join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new InputProblems(what, problems);
}
