import { setTimeout as sleep } from "node:timers/promises";
import { seedUsers } from "../changes/change-load.ts";
import type { Program } from "./program.ts";

/** A person who reads one user again and again. Each read takes a slot of CAM's limit. */
export class People {
  readonly #waits: number[] = [];
  readonly #reading: Promise<void>;
  #stopped = false;

  /** @param pauseMs The time between two reads. */
  constructor(gateway: Program, pauseMs = 250) {
    this.#reading = this.#read(gateway, pauseMs);
  }

  /** Returns the time of each read in milliseconds. */
  async stop(): Promise<readonly number[]> {
    this.#stopped = true;
    await this.#reading;
    return this.#waits;
  }

  async #read(gateway: Program, pauseMs: number): Promise<void> {
    const query = `{ subUser(opUin: "${seedUsers(1).users[0]?.uin}") { mfa { login { phone } } } }`;
    while (!this.#stopped) {
      const startedMs = performance.now();
      await send(gateway, query);
      this.#waits.push(performance.now() - startedMs);
      await sleep(pauseMs);
    }
  }
}

/** @throws Error if the gateway answers with an error. */
export async function send(gateway: Program, query: string): Promise<void> {
  const response = await fetch(gateway.told, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { readonly errors?: unknown };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
}
