import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Uin } from "../../contract/index.ts";
import type { CamCallOptions, CamClient } from "../cam-client.ts";
import { CAM_VERSION, type CamAction, exactInteger, wireFlag } from "../protocol.ts";

/** The methods of one protection. Undefined means that CAM did not report the method, not that the method is off. */
export interface MfaFlagState {
  readonly phone: boolean | undefined;
  readonly token: boolean | undefined;
  readonly stoken: boolean | undefined;
  readonly wechat: boolean | undefined;
  readonly custom: boolean | undefined;
  readonly mail: boolean | undefined;
  readonly u2fToken: boolean | undefined;
  readonly passkey: boolean | undefined;
}

export interface SafeAuthFlags {
  readonly login: MfaFlagState;
  readonly action: MfaFlagState;
}

const flagState = z
  .object({
    Phone: wireFlag,
    Token: wireFlag,
    Stoken: wireFlag,
    Wechat: wireFlag,
    Custom: wireFlag,
    Mail: wireFlag,
    U2FToken: wireFlag,
    Passkey: wireFlag,
  })
  .transform(
    (flags): MfaFlagState => ({
      phone: flags.Phone,
      token: flags.Token,
      stoken: flags.Stoken,
      wechat: flags.Wechat,
      custom: flags.Custom,
      mail: flags.Mail,
      u2fToken: flags.U2FToken,
      passkey: flags.Passkey,
    }),
  );

const responseSchema = z.object({ LoginFlag: flagState, ActionFlag: flagState });

/**
 * Reads the protections of one sub-user. CAM has no batch form. https://www.tencentcloud.com/document/product/598/38353
 */
export const describeSafeAuthFlagColl: CamAction<{ readonly subUin: Uin }, SafeAuthFlags> = {
  name: "DescribeSafeAuthFlagColl",
  version: CAM_VERSION,
  service: "cam",
  access: "read",
  userOf: ({ subUin }) => subUin,
  serialize: ({ subUin }) => JSON.stringify({ SubUin: exactInteger(subUin) }),
  parse: (response) => {
    const { LoginFlag, ActionFlag } = responseSchema.parse(response);
    return { login: LoginFlag, action: ActionFlag };
  },
};

/**
 * The writable methods of a protection. The gateway always sends all three, because CAM does not document the meaning
 * of an omitted integer inside a flag set.
 */
export interface MfaFlagSet {
  readonly phone: boolean;
  readonly stoken: boolean;
  readonly wechat: boolean;
}

export interface SetMfaFlagInput {
  readonly opUin: Uin;
  /** LoginFlag. If it is undefined, the gateway does not send it, and CAM does not change that protection. */
  readonly login?: MfaFlagSet;
  /** ActionFlag. */
  readonly action?: MfaFlagSet;
}

/**
 * Sets the protections of one sub-user to absolute values. The reply has only a RequestId.
 * https://www.tencentcloud.com/document/product/598/36305
 */
export const setMfaFlag: CamAction<SetMfaFlagInput, void> = {
  name: "SetMfaFlag",
  version: CAM_VERSION,
  service: "cam",
  access: "write",
  userOf: ({ opUin }) => opUin,
  serialize: ({ opUin, login, action }) =>
    JSON.stringify({
      OpUin: exactInteger(opUin),
      LoginFlag: login && serializeFlagSet(login),
      ActionFlag: action && serializeFlagSet(action),
    }),
  parse: () => undefined,
};

function serializeFlagSet(flagSet: MfaFlagSet): Readonly<Record<"Phone" | "Stoken" | "Wechat", 0 | 1>> {
  return { Phone: flagSet.phone ? 1 : 0, Stoken: flagSet.stoken ? 1 : 0, Wechat: flagSet.wechat ? 1 : 0 };
}

/** The methods that SetMfaFlag can express. */
export const WRITABLE_METHODS = ["phone", "stoken", "wechat"] as const;

/** The methods that CAM reports and SetMfaFlag cannot express. */
export const READ_ONLY_METHODS = ["token", "custom", "mail", "u2fToken", "passkey"] as const;

/** Whether a user's state matches the flag sets. */
export function matchesFlagSets(
  state: Partial<Record<keyof SafeAuthFlags, MfaFlagSet | MfaFlagState>>,
  { login, action }: Partial<SetMfaFlagInput>,
): boolean {
  return (
    (login === undefined || matchesFlagSet(state.login, login)) &&
    (action === undefined || matchesFlagSet(state.action, action))
  );
}

/** Whether the state of one protection matches a flag set. */
export function matchesFlagSet(flags: MfaFlagSet | MfaFlagState | undefined, flagSet: MfaFlagSet): boolean {
  return flags !== undefined && WRITABLE_METHODS.every((method) => flags[method] === flagSet[method]);
}

/** Both protections, as far as they are known. */
type KnownFlags = Readonly<Record<keyof SafeAuthFlags, Partial<MfaFlagState>>>;

/** Whether two images of a user agree on every method that both know. */
export function agreeOnKnownMethods(one: KnownFlags, other: KnownFlags): boolean {
  const agree = (a: Partial<MfaFlagState>, b: Partial<MfaFlagState>): boolean =>
    [...WRITABLE_METHODS, ...READ_ONLY_METHODS].every(
      (method) => (a[method] ?? b[method]) === (b[method] ?? a[method]),
    );
  return agree(one.login, other.login) && agree(one.action, other.action);
}

interface FlagReadsDeps {
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
  /** The time for which other operations may use a reading. 0 disables the cache. */
  readonly cacheMs: number;
}

/** The most cached readings: more users than one page shows, in a few megabytes of memory. */
const MAX_CACHED = 10_000;

/** A user's protections as CAM reported them. */
interface FlagReading extends SafeAuthFlags {
  /** The start of the read: ISO 8601, in UTC. */
  readonly asOf: string;
  /** The same moment in monotonic milliseconds. */
  readonly atMs: number;
}

/** A reading in progress. */
interface InFlightRead {
  readonly flags: Promise<FlagReading>;
  readonly deadlineMs: number;
}

/**
 * Reads users' protections for all operations of this process. Each reading is one call to CAM. Concurrent operations
 * share the reading of a user. A change by an operation of this process drops the reading, so that later operations see
 * the new state. Changes by other replicas become visible when the cached reading expires.
 */
export class FlagReads {
  readonly #deps: FlagReadsDeps;
  readonly #inFlight = new Map<Uin, InFlightRead>();
  readonly #cache: LRUCache<Uin, FlagReading> | undefined;

  constructor(deps: FlagReadsDeps) {
    const { cacheMs, clock } = deps;
    this.#deps = deps;
    if (cacheMs > 0) {
      const perf = { now: () => clock.monotonic() };
      this.#cache = new LRUCache({ max: MAX_CACHED, ttl: cacheMs, ttlResolution: 0, perf });
    }
  }

  /**
   * Returns a user's protections, from the cache or from CAM. @throws CamError, GatewayError as CamClient.call does.
   */
  async read(opUin: Uin, options: CamCallOptions): Promise<FlagReading> {
    const cached = this.#cache?.get(opUin);
    if (cached !== undefined) return cached;
    const inFlight = this.#inFlight.get(opUin);
    if (inFlight === undefined) return this.#begin(opUin, options);
    try {
      return await inFlight.flags;
    } catch (error) {
      // The shared read may have run out of time, and this operation has more time.
      if (inFlight.deadlineMs >= options.deadlineMs) throw error;
      return this.read(opUin, options);
    }
  }

  /** Drops the readings of a user, after an attempt at a change. */
  drop(opUin: Uin): void {
    this.#inFlight.delete(opUin);
    this.#cache?.delete(opUin);
  }

  #begin(opUin: Uin, options: CamCallOptions): Promise<FlagReading> {
    const { cam, clock } = this.#deps;
    const startedAt = { asOf: new Date(clock.now()).toISOString(), atMs: clock.monotonic() };
    const flags = cam
      .call(describeSafeAuthFlagColl, { subUin: opUin }, options)
      .then(({ output }) => ({ ...output, ...startedAt }));
    const reading = { flags, deadlineMs: options.deadlineMs };
    this.#inFlight.set(opUin, reading);
    const endRead = (): boolean => this.#inFlight.get(opUin) === reading && this.#inFlight.delete(opUin);
    flags.then(
      (output) => {
        if (endRead()) this.#cache?.set(opUin, output);
      },
      () => endRead(),
    );
    return flags;
  }
}
