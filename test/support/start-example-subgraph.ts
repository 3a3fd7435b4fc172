import { EMPLOYEES, type Employee, startDirectory } from "../../scripts/federated/start-directory.ts";
import type { Subgraph } from "../../scripts/federated/supergraph.ts";
import { whenOver } from "./when-over.ts";

/** Starts the subgraph of schema/example-subgraph.graphql on a free port with these employees, until the end of the test. */
export async function startExampleSubgraph(employees: readonly Employee[] = EMPLOYEES): Promise<Subgraph> {
  const directory = await startDirectory(0, employees);
  whenOver(() => directory.stop());
  return directory;
}
