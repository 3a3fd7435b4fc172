import { readFile } from "node:fs/promises";
import { serveSubgraph } from "./serve-subgraph.ts";
import type { StartedSubgraph } from "./supergraph.ts";

const SDL_FILE = new URL("../../schema/example-subgraph.graphql", import.meta.url);

/** A reference to a sub-user: its key, from which a router resolves the other fields. */
interface SubUserReference {
  readonly opUin: string;
}

interface EmployeePage {
  readonly first: number;
  /** The number of the employee before the page. */
  readonly after?: string | null;
}

/** Serves the example subgraph on loopback. Port 0 picks a free port. */
export async function startDirectory(port: number, employees: readonly Employee[]): Promise<StartedSubgraph> {
  const sdl = await readFile(SDL_FILE, "utf8");
  const resolvers = {
    Query: {
      employees: () => employees,
      employee: (_: unknown, { id }: { readonly id: string }) => find(id),
      employeePage: (_: unknown, page: EmployeePage) => pageOf(employees, page),
    },
    Employee: {
      __resolveReference: ({ id }: { readonly id: string }) => find(id),
      camUser: ({ camUin }: Employee): SubUserReference | null =>
        camUin === undefined ? null : { opUin: camUin },
    },
    SubUser: {
      employee: ({ opUin }: SubUserReference) => employees.find(({ camUin }) => camUin === opUin),
    },
  };
  return serveSubgraph({ name: "directory", sdl, resolvers, port });

  function find(id: string): Employee | undefined {
    return employees.find((employee) => employee.id === id);
  }
}

function pageOf(employees: readonly Employee[], { first, after }: EmployeePage) {
  const rest = employees.filter(({ id }) => !after || id > after);
  const nodes = rest.slice(0, first);
  return {
    nodes,
    pageInfo: {
      hasNextPage: rest.length > first,
      hasPreviousPage: Boolean(after),
      startCursor: nodes.at(0)?.id,
      endCursor: nodes.at(-1)?.id,
    },
  };
}

/** A row of the directory. */
export interface Employee {
  readonly id: string;
  readonly name: string;
  readonly department: string;
  /** The employee's sub-user, if any. */
  readonly camUin?: string;
}

/** Employees, some with a sub-user of the emulator. CAM no longer has Peggy's user. */
export const EMPLOYEES: readonly Employee[] = [
  { id: "1001", name: "Alice Anders", department: "Operations", camUin: "100021969091" },
  { id: "1002", name: "Bob Bauer", department: "Operations", camUin: "100021969092" },
  { id: "1003", name: "Carol Chen", department: "Finance", camUin: "100021969093" },
  { id: "1004", name: "Oscar Olsen", department: "Finance" },
  { id: "1005", name: "Peggy Park", department: "Sales", camUin: "100021969099" },
];
