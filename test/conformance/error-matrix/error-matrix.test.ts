import { beforeAll, describe, expect, test } from "vitest";
import { formatJson } from "../../../scripts/generate/format-json.ts";
import { CAM_ERROR_CATALOGUE } from "../../../src/contract/index.ts";
import { keepFigure } from "../../support/leaks/written.ts";
import type { StartedGateway } from "../../support/start-gateway.ts";
import { asSubgraph } from "../../support/started-router.ts";
import { putUsers } from "../support/put-users.ts";
import { ROUTER_SETTINGS } from "../support/routers.ts";
import { startRelay } from "../support/start-relay.ts";
import type { WireError } from "../support/wire-error.ts";
import { askThrown, expectWholeData } from "./ask-cell.ts";
import {
  CODES_WITHOUT_A_CASE,
  ERROR_CASES,
  type ErrorCase,
  PROMPT_CASES,
  SLOW_CASES,
  type StartedCase,
} from "./error-cases.ts";
import { expectFates } from "./expect-fates.ts";
import { stable } from "./stable.ts";
import { startSound } from "./start-troubled.ts";

const DIRECT = "direct";
const COLUMNS = [DIRECT, ...ROUTER_SETTINGS.map(({ id }) => id)];
const CELLS = ERROR_CASES.length * COLUMNS.length * 2;

/** Each cell has its own user, so that all routers can run together. */
const usersOf = new Map(
  ERROR_CASES.map(({ name }, row) => {
    const first = 100021100000n + 100n * BigInt(row);
    return [
      name,
      COLUMNS.flatMap((_, column) => [first + BigInt(2 * column), first + BigInt(2 * column + 1)]),
    ];
  }),
);

let relay: Awaited<ReturnType<typeof startRelay>>;
let sound: StartedGateway;
const addresses = new Map<string, string>();
/** The thrown errors by router and case. */
const thrown = new Map(COLUMNS.map((id) => [id, new Map<string, readonly WireError[]>()]));
let wholeAsData = 0;

beforeAll(async () => {
  relay = await startRelay();
  sound = await startSound();
  const gateway = { ...asSubgraph(sound), url: relay.url };
  addresses.set(DIRECT, relay.url);
  for (const { id, start } of ROUTER_SETTINGS) addresses.set(id, await start(gateway));
});

test("each code of the catalogue has a case, except codes that a change never has", () => {
  const codes = [...ERROR_CASES.map(({ code }) => code), ...CODES_WITHOUT_A_CASE];
  expect([...new Set(codes)].toSorted()).toEqual(CAM_ERROR_CATALOGUE.map(({ code }) => code).toSorted());
});

describe("an error of the gateway behind every router", () => {
  test.each(PROMPT_CASES)("$name is whole as data", askEveryRouter);

  // These cases wait for the gateway's deadlines, and on a busy machine for each other.
  test.each(SLOW_CASES)("$names: whole as data", { timeout: 180_000 }, async ({ cases }) => {
    await Promise.all(cases.map(askEveryRouter));
  });

  test(`arrives as data in all of ${CELLS / 2} cells, and thrown in ${CELLS / 2} more`, () => {
    keepFigure(
      `Errors of ${ERROR_CASES.length} kinds by ${COLUMNS.length} ways: ${wholeAsData} of ${CELLS / 2} whole as data`,
    );
    expect(wholeAsData).toBe(CELLS / 2);
    expect([...thrown.values()].reduce((sum, cases) => sum + cases.size, 0)).toBe(CELLS / 2);
  });

  test.each(COLUMNS)("is thrown by %s as its golden file says", async (id) => {
    const cases = Object.fromEntries(ERROR_CASES.map(({ name }) => [name, thrown.get(id)?.get(name)]));
    await expect(formatJson(cases)).toMatchFileSnapshot(`../golden/${id}.json`);
  });
});

test.each(ROUTER_SETTINGS)("docs/consumers/routers.md describes $id correctly", ({ id, router, by }) => {
  for (const { name } of ERROR_CASES) {
    expectFates(router, by, thrown.get(id)?.get(name) ?? [], thrown.get(DIRECT)?.get(name) ?? []);
  }
});

async function askEveryRouter(errorCase: ErrorCase): Promise<void> {
  const { name, routersEach = COLUMNS.length } = errorCase;
  const users = usersOf.get(name)?.map(String) ?? [];
  const asked: Promise<void>[] = [];
  for (let first = 0; first < COLUMNS.length; first += routersEach) {
    const columns = COLUMNS.slice(first, first + routersEach);
    const started = await startFor(errorCase, users.slice(2 * first, 2 * (first + routersEach)));
    asked.push(
      ...columns.map((id, index) => askRouter(id, errorCase, users.slice(2 * (first + index)), started)),
    );
  }
  await Promise.all(asked);
}

/** A gateway that answers changes of these users by the error. */
async function startFor({ start, user, fault }: ErrorCase, users: readonly string[]): Promise<StartedCase> {
  const started: StartedCase = (await start?.(users)) ?? sound;
  putUsers(started.cam, users, user);
  if (fault !== undefined) for (const opUin of users) started.cam.addFault({ ...fault, opUin });
  relay.route(users, started.gateway.address.url, started.headersOf);
  return started;
}

async function askRouter(
  id: string,
  errorCase: ErrorCase,
  [one = "", two = ""]: readonly string[],
  { cam }: StartedGateway,
): Promise<void> {
  const url = addresses.get(id) ?? "";
  const [errors] = await Promise.all([
    askThrown(url, { ...errorCase.change, opUin: one }),
    expectWholeData(url, { ...errorCase.change, opUin: two }, errorCase, cam),
  ]);
  thrown.get(id)?.set(errorCase.name, errors.map(stable));
  wholeAsData += 1;
}
