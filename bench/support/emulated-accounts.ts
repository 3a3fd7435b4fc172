import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CamEmulator, startCamEmulator } from "../../src/emulator/index.ts";
import { startPostgres } from "../../test/support/start-postgres.ts";
import { keyOf, seedUsers, serverEnv } from "../changes/change-load.ts";
import { GATEWAY_MAIN } from "./build-gateway.ts";
import { type Program, startBareProgram } from "./program.ts";

interface EmulatedAccountsOptions {
  readonly accounts: number;
  /** The users of each account. */
  readonly users: number;
  /** The calls of an action that each account accepts. */
  readonly ratePerSecond: number;
}

/** Emulated accounts with a key each, and an empty PostgreSQL for the gateways in front of them. */
export class EmulatedAccounts implements AsyncDisposable {
  readonly emulators: readonly CamEmulator[];
  readonly databaseUrl: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    emulators: readonly CamEmulator[],
    databaseUrl: string,
    env: Readonly<Record<string, string>>,
    parts: AsyncDisposableStack,
  ) {
    this.emulators = emulators;
    this.databaseUrl = databaseUrl;
    this.#env = env;
    this.#parts = parts;
  }

  static async open({ accounts, users, ratePerSecond }: EmulatedAccountsOptions): Promise<EmulatedAccounts> {
    const parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const emulators = await Promise.all(
      Array.from({ length: accounts }, (_, at) =>
        startCamEmulator({ ratePerSecond, seed: seedUsers(users, at) }),
      ),
    );
    for (const emulator of emulators) parts.defer(() => emulator.stop());
    const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
    parts.defer(() => rm(folder, { recursive: true, force: true }));
    const [first, ...others] = emulators.map(({ url }) => url);
    const settings = others.map((endpoint, index) => {
      const secretKey = { variable: "TENCENTCLOUD_SECRET_KEY" };
      const credentials = { secretId: keyOf(index + 1), secretKey };
      return [accountName(index + 1), { endpoint, serviceHost: "cam.tencentcloudapi.com", credentials }];
    });
    const file = join(folder, "accounts.json");
    await writeFile(file, JSON.stringify({ accounts: Object.fromEntries(settings) }));
    const env = {
      ...serverEnv(first ?? "", postgres.url),
      ...(others.length > 0 && { CAM_ACCOUNTS: file }),
      CAM_RATE_PER_SECOND: String(ratePerSecond),
    };
    return new EmulatedAccounts(emulators, postgres.url, env, parts);
  }

  get names(): readonly string[] {
    return this.emulators.map((_, at) => accountName(at));
  }

  async startGateway(env: Readonly<Record<string, string>> = {}): Promise<Program> {
    const gateway = await startBareProgram({
      args: [GATEWAY_MAIN, "serve", "--local"],
      env: { ...this.#env, ...env },
      ready: /GraphQL +(http:\S+)/,
    });
    return this.#parts.use(gateway);
  }

  /** Returns the calls to all accounts. */
  journal() {
    return this.emulators.flatMap(({ control }) => control.journal());
  }

  get throttled(): number {
    return this.journal().filter(({ outcome }) => outcome?.startsWith("RequestLimitExceeded")).length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

function accountName(at: number): string {
  return at === 0 ? "default" : `account-${at}`;
}
