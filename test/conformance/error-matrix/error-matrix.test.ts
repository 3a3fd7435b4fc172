import { beforeAll, describe, expect, test } from "vitest";
import { formatJson } from "../../../scripts/generate/format.ts";
import { compareThrown } from "../../../src/cli/doctor/probe.ts";
import type { Fate, RouterId } from "../../../src/cli/doctor/router-guides.ts";
import { ROUTER_GUIDES } from "../../../src/cli/doctor/router-guides.ts";
import { CAM_ERROR_CATALOGUE } from "../../../src/contract/index.ts";
import { keepFigure } from "../../support/leaks/written.ts";
import { applyRule } from "../support/router-rule.ts";
import type { RouterSetting } from "../support/routers.ts";
import { LIVE_SETTINGS, RECORDED_SETTINGS, ROUTER_SETTINGS } from "../support/routers.ts";
import type { WireError } from "../support/wire-error.ts";
import { DIRECT, type ErrorColumns, startColumns } from "./ask-columns.ts";
import { CODES_WITHOUT_A_CASE, ERROR_CASES, PROMPT_CASES, SLOW_CASES } from "./error-cases.ts";

const LIVE = [DIRECT, ...LIVE_SETTINGS.map(({ id }) => id)];
const CELLS = ERROR_CASES.length * LIVE.length;

let columns: ErrorColumns;

beforeAll(async () => {
  columns = await startColumns(LIVE_SETTINGS);
});

test("each code of the catalogue has a case, except codes that a change never has", () => {
  const codes = [...ERROR_CASES.map(({ code }) => code), ...CODES_WITHOUT_A_CASE];
  expect([...new Set(codes)].toSorted()).toEqual(CAM_ERROR_CATALOGUE.map(({ code }) => code).toSorted());
});

describe("an error of the gateway behind every router", () => {
  test.each(PROMPT_CASES)("$name is whole as data", (errorCase) => columns.ask(errorCase));

  // These cases wait for the gateway's deadlines, and on a busy machine for each other.
  test.each(SLOW_CASES)("$names: whole as data", { timeout: 180_000 }, async ({ cases }) => {
    await Promise.all(cases.map(columns.ask));
  });

  test(`arrives as data in all of ${CELLS} cells, and thrown in ${CELLS} more`, () => {
    keepFigure(
      `Errors of ${ERROR_CASES.length} kinds by ${LIVE.length} ways: ${columns.wholeAsData} of ${CELLS} whole as data`,
    );
    expect(columns.wholeAsData).toBe(CELLS);
    expect(LIVE.reduce((sum, id) => sum + columns.thrownBy(id).size, 0)).toBe(CELLS);
  });

  test.each(LIVE)("is thrown by %s as its golden file says", async (id) => {
    const cases = Object.fromEntries(ERROR_CASES.map(({ name }) => [name, columns.thrownBy(id).get(name)]));
    await expect(formatJson(cases)).toMatchFileSnapshot(`../golden/${id}.json`);
  });
});

/** The errors that a router throws: those that arrived, or the rule of the router applied to those that the gateway sent. */
function thrownBy(id: string, name: string): readonly WireError[] {
  const sent = columns.thrownBy(DIRECT).get(name) ?? [];
  const recorded = RECORDED_SETTINGS.find((each) => each.id === id);
  return recorded === undefined ? (columns.thrownBy(id).get(name) ?? []) : applyRule(recorded.rule, sent);
}

test.each(ROUTER_SETTINGS)("docs/consumers/routers.md describes $id correctly", ({ id, router, by }) => {
  for (const { name } of ERROR_CASES) {
    expectFates(router, by, thrownBy(id, name), columns.thrownBy(DIRECT).get(name) ?? []);
  }
});

const KEPT = { message: "kept", code: "kept", otherKeys: "kept", path: "kept" } as const;

/**
 * Expects the errors behind a router as its guide describes: altered by default, complete with the documented
 * configuration.
 */
function expectFates(
  router: RouterId,
  by: RouterSetting["by"],
  [arrived]: readonly WireError[],
  [sent]: readonly WireError[],
): void {
  if (by === "choice") return;
  const guide = ROUTER_GUIDES.find(({ id }) => id === router);
  const fates = by === "default" ? guide?.fates : KEPT;
  const received = arrived && { ...arrived, extensions: arrived.extensions ?? {} };
  const expected = { message: sent?.message ?? "", extensions: sent?.extensions ?? {} };
  for (const { part, fate } of compareThrown(received, expected, ["setSubUserMfa"])) {
    expect(fate, `${part} behind ${router}`).toBe(fateOf(part, fates));
  }
}

function fateOf(
  part: string,
  fates: Readonly<Record<keyof typeof KEPT, Fate>> | undefined,
): Fate | undefined {
  if (part === "message" || part === "path") return fates?.[part];
  return part === "extensions.code" ? fates?.code : fates?.otherKeys;
}
