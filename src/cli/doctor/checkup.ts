import { explainFault, Fault, type FaultId, Skip } from "./faults.ts";

// A checkup is a list of groups, and a group is a list of checks. A check that needs another one is skipped if that one
// did not pass.

/** The result of one check. */
interface Check {
  /** The fact that a passed check proves, such as "the database takes writes". */
  readonly name: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly fault?: FaultId;
  /** The findings, or the reason why the check was skipped. */
  readonly details: readonly string[];
  readonly fix?: string;
  /** The page and its heading: `docs/operators/tls.md#tls`. */
  readonly docs?: string;
}

/** The answer of a check for the checks that need it. */
export type Answer<Value> = { readonly name: string } & (
  | { readonly passed: true; readonly value: Value }
  | { readonly passed: false }
);

/** The values of the checks that a check needs. */
type Values<Needs extends readonly Answer<unknown>[]> = {
  [Index in keyof Needs]: Needs[Index] extends Answer<infer Value> ? Value : never;
};

export class Group {
  readonly name: string;
  readonly checks: Check[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Asks a question with the values of the checks that it needs. Skips it if one of them did not pass. `ask` throws a
   * Fault or a Skip. `describe` returns details of a passed check, for people.
   */
  async check<const Needs extends readonly Answer<unknown>[], Value>(
    name: string,
    needs: Needs,
    ask: (...values: Values<Needs>) => Promise<Value>,
    describe: (value: Value) => readonly string[] = () => [],
  ): Promise<Answer<Value>> {
    const values: unknown[] = [];
    for (const need of needs) {
      if (!need.passed) return this.#skip(name, `because this is not known: ${need.name}`);
      values.push(need.value);
    }
    try {
      const value = await ask(...(values as Values<Needs>));
      this.checks.push({ name, state: "ok", details: describe(value) });
      return { name, passed: true, value };
    } catch (error) {
      if (error instanceof Skip) return this.#skip(name, error.message);
      if (!(error instanceof Fault)) throw error;
      const { id: fault, details } = error;
      const { fix, docs, isWarning } = explainFault(fault);
      const state = isWarning ? "warning" : "failed";
      this.checks.push({ name, state, fault, details, fix, docs: linkTo(docs) });
      return { name, passed: false };
    }
  }

  #skip(name: string, reason: string): Answer<never> {
    this.checks.push({ name, state: "skipped", details: [reason] });
    return { name, passed: false };
  }
}

/** Returns a link with the anchor that GitHub gives to a heading. */
function linkTo({ page, heading }: ReturnType<typeof explainFault>["docs"]): string {
  if (heading === undefined) return page;
  return `${page}#${heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")}`;
}

/** Counts the checks of each state. */
export function summarize(groups: readonly Group[]): Readonly<Record<Check["state"], number>> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { state } of groups.flatMap(({ checks }) => checks)) counts[state] += 1;
  return counts;
}

/** Returns the report for people. */
export function describeCheckup(groups: readonly Group[]): string[] {
  const { ok, warning, failed, skipped } = summarize(groups);
  return [
    ...groups.flatMap(({ name, checks }) => [name, ...checks.flatMap(describeCheck), ""]),
    `${ok} passed, ${warning} warned, ${failed} failed, ${skipped} skipped.`,
  ];
}

function describeCheck({ name, state, fault, details, fix, docs }: Check): string[] {
  const title = `  ${state.padEnd(8)} ${name}`;
  if (state === "skipped") return [`${title}, ${details.join()}`];
  const explanation = fault === undefined ? [] : [`fault: ${fault}`, `fix: ${fix}`, `see: ${docs}`];
  return [title, ...[...details, ...explanation].map((line) => `           ${line}`.trimEnd())];
}
