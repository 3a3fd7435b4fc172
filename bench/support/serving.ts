import type { Program } from "./program.ts";
import type { Contestant } from "./rounds.ts";
import { SaturatingLoad } from "./saturating-load.ts";
import type { Upstream } from "./upstream.ts";

/** The requests in flight of each program under load. */
export const CONNECTIONS = 16;

/** Enough accounts that none reaches CAM's limit, which would measure the wait for slots. */
export const ACCOUNTS = 50;

/** Enough users that two changes of one user never overlap; the gateway would serialise them. */
const USERS = 5_000;
/** Above the two protected Uins, which the gateway does not change. */
const FIRST_UIN = 200_000_000_000;

const QUERY = `mutation SetSubUserMfa($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput) {
  setSubUserMfa(opUin: $opUin, login: $login, action: $action) { requestId resolvedBy subUser { opUin } }
}`;

/** Writes a change as an operation. */
export function operation(variables: object): string {
  return JSON.stringify({ query: QUERY, variables });
}

/** Writes a change as an operation on an account. */
export function operationIn(account: string, variables: object): string {
  const query = QUERY.replace("(opUin: $opUin", `(account: "${account}", opUin: $opUin`);
  return JSON.stringify({ query, variables });
}

export interface Served {
  readonly name: string;
  readonly program: Program;
  /** Writes a change in the program's own form. */
  readonly bodyOf: (change: object) => string;
}

/** A program under load: the CPU time in microseconds that it spends on one request. */
export class Serving implements Contestant, AsyncDisposable {
  readonly name: string;
  readonly #program: Program;
  readonly #load: SaturatingLoad;
  readonly #requests: number;
  readonly #upstream: Upstream;

  constructor({ name, program, bodyOf }: Served, requests: number, upstream: Upstream) {
    let sent = 0;
    this.name = name;
    this.#program = program;
    this.#requests = requests;
    this.#upstream = upstream;
    this.#load = new SaturatingLoad({
      url: program.told,
      connections: CONNECTIONS,
      nextBody: () => bodyOf(changeOf(sent++)),
      check: (reply) => {
        if (!reply.includes('"resolvedBy":"REPLY"')) throw new Error(`${name} answered ${reply}`);
      },
    });
  }

  warmUp(requests: number): Promise<void> {
    return this.#load.send(requests);
  }

  async measure(): Promise<number> {
    const callsBefore = await this.#countCalls();
    const cpuBefore = await this.#program.cpuMicroseconds();
    await this.#load.send(this.#requests);
    const cpuAfter = await this.#program.cpuMicroseconds();
    const calls = (await this.#countCalls()).map((count, index) => count - (callsBefore[index] ?? 0));
    if (calls.some((count) => count !== this.#requests)) {
      throw new Error(
        `${this.name} made ${calls.join(" reads and ")} writes for ${this.#requests} requests.`,
      );
    }
    return (cpuAfter - cpuBefore) / this.#requests;
  }

  async #countCalls(): Promise<number[]> {
    const reads = await this.#upstream.calls("DescribeSafeAuthFlagColl");
    return [reads, await this.#upstream.calls("SetMfaFlag")];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#load[Symbol.asyncDispose]();
  }
}

/** Returns a change of the next user. Both protections are incomplete, so that the gateway completes each. */
export function changeOf(number: number): object {
  return {
    opUin: String(FIRST_UIN + (number % USERS)),
    login: { phone: true, stoken: false },
    action: { phone: true },
  };
}
