import { fileURLToPath } from "node:url";
import { request } from "undici";
import { type Program, startProgram } from "./program.ts";

/** How programs of the benchmarks say where they listen. */
export const LISTENING = /listening on (http:\S+)/;

/** The stub that stands in for CAM, in a process of its own. */
export class Upstream implements AsyncDisposable {
  readonly url: string;
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
    this.url = program.told;
  }

  /** How often an action has been called since the stub started. */
  async calls(action: string): Promise<number> {
    const { body } = await request(`${this.url}/calls`);
    return ((await body.json()) as Record<string, number>)[action] ?? 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

export async function startUpstream(): Promise<Upstream> {
  const script = fileURLToPath(new URL("./stub-upstream.ts", import.meta.url));
  return new Upstream(await startProgram({ args: [script], ready: LISTENING }));
}
