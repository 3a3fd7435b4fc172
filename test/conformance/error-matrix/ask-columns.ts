import type { Subgraph } from "../../../scripts/federated/supergraph.ts";
import type { StartedGateway } from "../../support/start-gateway.ts";
import { asSubgraph } from "../../support/started-router.ts";
import { putUsers } from "../support/put-users.ts";
import { startRelay } from "../support/start-relay.ts";
import type { WireError } from "../support/wire-error.ts";
import { askThrown, expectWholeData } from "./ask-cell.ts";
import { ERROR_CASES, type ErrorCase, type StartedCase } from "./error-cases.ts";
import { stable } from "./stable.ts";
import { startSound } from "./start-troubled.ts";

/** The column without a router. */
export const DIRECT = "direct";

/** A way to the gateway: a router that can be started. */
export interface Column {
  readonly id: string;
  start(gateway: Subgraph): Promise<string>;
}

/** The errors of all cases by several ways: directly and behind each router. */
export interface ErrorColumns {
  /** Causes the error in each column, thrown and as data. */
  ask(errorCase: ErrorCase): Promise<void>;
  /** The thrown errors of a column by case. */
  thrownBy(id: string): ReadonlyMap<string, readonly WireError[]>;
  /** The number of errors that arrived whole as data. */
  readonly wholeAsData: number;
}

/** Starts the routers in front of one relay, which reaches the gateway of each case. */
export async function startColumns(routers: readonly Column[]): Promise<ErrorColumns> {
  const ids = [DIRECT, ...routers.map(({ id }) => id)];
  const relay = await startRelay();
  const sound = await startSound();
  const addresses = new Map([[DIRECT, relay.url]]);
  for (const { id, start } of routers)
    addresses.set(id, await start({ ...asSubgraph(sound), url: relay.url }));
  const thrown = new Map(ids.map((id) => [id, new Map<string, readonly WireError[]>()]));
  const wholeAsData = new Set<string>();

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
    wholeAsData.add(`${errorCase.name} by ${id}`);
  }

  return {
    async ask(errorCase) {
      const { routersEach = ids.length } = errorCase;
      const users = usersOf(errorCase, ids.length);
      const asked: Promise<void>[] = [];
      for (let first = 0; first < ids.length; first += routersEach) {
        const columns = ids.slice(first, first + routersEach);
        const started = await startFor(errorCase, users.slice(2 * first, 2 * (first + routersEach)));
        asked.push(
          ...columns.map((id, index) => askRouter(id, errorCase, users.slice(2 * (first + index)), started)),
        );
      }
      await Promise.all(asked);
    },
    thrownBy: (id) => thrown.get(id) ?? new Map(),
    get wholeAsData() {
      return wholeAsData.size;
    },
  };
}

/** Two users for each column of a case, so that all routers can run together. */
function usersOf({ name }: ErrorCase, columns: number): readonly string[] {
  const row = ERROR_CASES.findIndex((each) => each.name === name);
  const first = 100021100000n + 100n * BigInt(row);
  return Array.from({ length: 2 * columns }, (_, at) => String(first + BigInt(at)));
}
