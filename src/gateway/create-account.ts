import {
  ActionCircuits,
  type CamAttempt,
  CamClient,
  type CamEndpoint,
  ClockSkew,
  CredentialCache,
  type CredentialChain,
  type CredentialChainDeps,
  createDispatcher,
  FlagReads,
  HttpTransport,
  Tc3Signer,
} from "../cam/index.ts";
import { FlagWriter } from "../changes/flag-writer.ts";
import { GatewayIdentity } from "../changes/gateway-identity.ts";
import type { Clock } from "../clock.ts";
import type { CamTarget } from "../config/cam-target.ts";
import type { Config } from "../config/config.ts";
import { SharedRateBudget } from "../quota/shared-rate-budget.ts";
import type { SharedWindows } from "../quota/shared-windows.ts";
import { logCamAttempt, logCredentials, logOwnUsers } from "../telemetry/log-events.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Where an account's CAM is, and where its keys come from. */
export interface ConnectionSettings {
  readonly name: string;
  readonly endpoint: CamEndpoint;
  readonly createChain: (parts: CredentialChainDeps) => CredentialChain;
  readonly proxy: CamTarget["proxy"];
  readonly language: "en-US" | "zh-CN";
  /** Calls of one action that may arrive at CAM in any second. */
  readonly ratePerSecond: number;
}

export interface AccountDeps {
  readonly limits: Pick<Config["camLimits"], "timeoutMs" | "deadlineMs" | "circuitFailures" | "flagsCacheMs">;
  readonly windows: SharedWindows;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One account of Tencent Cloud with all that is its own, so that what is wrong with one is no other's trouble. */
export interface Account {
  readonly name: string;
  readonly ratePerSecond: number;
  readonly cam: CamClient;
  readonly budget: SharedRateBudget;
  readonly writer: FlagWriter;
  readonly flagReads: FlagReads;
  readonly gatewayIdentity: GatewayIdentity;
  /** Ends its connections. */
  close(): Promise<void>;
}

export function createAccount(way: ConnectionSettings, deps: AccountDeps): Account {
  const { name, endpoint, language, ratePerSecond } = way;
  const { limits, windows, clock } = deps;
  const logger = deps.logger.child({ account: name });
  const transport = new HttpTransport({ dispatcher: createDispatcher({ proxy: way.proxy }), clock });
  const skew = new ClockSkew(clock);
  const credentialObserver = logCredentials(logger);
  const parts = {
    config: { endpoint, language, timeoutMs: limits.timeoutMs },
    signer: new Tc3Signer(),
    observer: { onAttempt: (attempt: CamAttempt) => logCamAttempt(logger, attempt) },
    ...{ transport, skew, clock },
  };
  const chain = way.createChain({ ...parts, credentialObserver });
  const budget = new SharedRateBudget({ windows, ratePerSecond });
  const cam = new CamClient({
    ...parts,
    credentials: new CredentialCache({ chain, clock, skew, observer: credentialObserver }),
    budget,
    circuits: new ActionCircuits({ failures: limits.circuitFailures }, clock),
  });
  return {
    ...{ name, ratePerSecond, cam, budget },
    writer: new FlagWriter({ cam, clock }),
    flagReads: new FlagReads({ cam, clock, cacheMs: limits.flagsCacheMs }),
    gatewayIdentity: new GatewayIdentity({
      cam,
      clock,
      deadlineMs: limits.deadlineMs,
      observer: logOwnUsers(logger),
    }),
    close: () => transport.close(),
  };
}
