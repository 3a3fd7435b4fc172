import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import {
  type CamAction,
  CamClient,
  CamError,
  CredentialCache,
  createDispatcher,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  getCallerIdentity,
  HttpTransport,
  listAccounts,
  listUsers,
  setMfaFlag,
  Tc3Signer,
  unlimitedQuota,
} from "../../cam/index.ts";
import { ClockSkew, systemClock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import { codeForCamCode, GatewayError, type Uin } from "../../contract/index.ts";
import { type Connection, connectionTo } from "../../gateway/create-account.ts";
import { loadAccounts } from "../../gateway/load-files.ts";
import { SharedQuota, type SharedWindows } from "../../quota/shared-quota.ts";
import { type Answer, Fault, type FaultId, Group, Skip } from "./checkup.ts";

/**
 * A user who cannot exist: Uins of Tencent Cloud begin above 10,000. CAM checks the permission for a call first, so a
 * permitted call ends with UserNotExist and changes no user.
 */
const NOBODY = "1" as Uin;

const OFF = { phone: false, stoken: false, wechat: false };

type Ask = (client: CamClient, call: { readonly deadlineMs: number }) => Promise<unknown>;

type Question = readonly [action: CamAction<never, unknown>, ask: Ask];

/** One call of each action about a user. */
const QUESTIONS: readonly Question[] = [
  [
    describeSafeAuthFlagColl,
    (client, call) => ask(client, describeSafeAuthFlagColl, { subUin: NOBODY }, call),
  ],
  [describeSubAccounts, (client, call) => ask(client, describeSubAccounts, { uins: [NOBODY] }, call)],
  [setMfaFlag, (client, call) => ask(client, setMfaFlag, { opUin: NOBODY, login: OFF, action: OFF }, call)],
];

/** The call that begins a scan of the directory, by DIRECTORY_LIST_ACTION. */
const LIST_QUESTIONS = {
  ListUsers: [listUsers, (client, call) => ask(client, listUsers, undefined, call)],
  ListAccounts: [listAccounts, (client, call) => ask(client, listAccounts, { marker: undefined }, call)],
} as const satisfies Readonly<Record<string, Question>>;

function ask<Input>(
  client: CamClient,
  action: CamAction<Input, unknown>,
  input: Input,
  { deadlineMs }: { readonly deadlineMs: number },
): Promise<unknown> {
  return client.call(action, input, { deadlineMs, traceId: "cam-gateway-doctor", maxAttempts: 1 });
}

/** An account, and how doctor calls its CAM. */
interface Target {
  readonly name: string;
  readonly language: "en-US" | "zh-CN";
  readonly ratePerSecond: number;
  /** Undefined for an emulator that the gateway would start. */
  readonly connection: Connection | undefined;
}

/** The main accounts of names, as the database binds them. */
interface BoundNames {
  boundUin(name: string): Promise<string | undefined>;
}

/** Checks the CAM of each account. Without the shared quota its few calls need no slots. */
export async function checkCam(
  config: Answer<Config>,
  windows: Answer<SharedWindows>,
  names: Answer<BoundNames>,
): Promise<readonly Group[]> {
  if (!config.passed) {
    const group = new Group("cam");
    await group.check("CAM accepts the key", [config], async () => undefined);
    return [group];
  }
  const targets = await targetsOf(config.value);
  return Promise.all(targets.map((target) => checkAccount(target, config.value, windows, names)));
}

async function targetsOf({ cam, accounts, camLimits }: Config): Promise<readonly Target[]> {
  const { language, ratePerSecond } = camLimits;
  const ofDefault = cam && connectionTo(cam);
  const named = accounts === undefined ? [] : await loadAccounts(accounts);
  return [
    { name: DEFAULT_ACCOUNT, language, ratePerSecond, connection: ofDefault },
    ...named.map((account) => ({
      ...account,
      connection: account.cam && connectionTo(account.cam, ofDefault?.createChain),
    })),
  ];
}

async function checkAccount(
  { name, language, ratePerSecond, connection }: Target,
  { camLimits, directory }: Config,
  windows: Answer<SharedWindows>,
  names: Answer<BoundNames>,
): Promise<Group> {
  const group = new Group(`cam, account ${name}`);
  const clock = systemClock;
  const skew = new ClockSkew(clock);
  const transport = new HttpTransport({
    dispatcher: createDispatcher({ proxy: connection?.proxy ?? {} }),
    clock,
  });
  const createClient = (): CamClient => {
    if (connection === undefined) throw new Skip("because local mode starts an emulator in place of CAM");
    const { endpoint, createChain } = connection;
    const config = { endpoint, language, timeoutMs: camLimits.timeoutMs };
    const parts = { config, signer: new Tc3Signer(), transport, skew, clock };
    const quota = windows.passed
      ? new SharedQuota({ windows: windows.value, ratePerSecond })
      : unlimitedQuota;
    return new CamClient({
      ...parts,
      quota,
      credentials: new CredentialCache({ chain: createChain(parts), clock, skew }),
    });
  };
  const deadline = () => ({ deadlineMs: clock.monotonic() + camLimits.timeLimitMs });
  const key = await group.check(
    "CAM accepts the key",
    [],
    async () => {
      const found = createClient();
      const identity = await found
        .call(getCallerIdentity, undefined, { ...deadline(), traceId: "cam-gateway-doctor", maxAttempts: 1 })
        .then(({ output }) => output)
        .catch((error: unknown) => {
          const fault = faultOf(error, getCallerIdentity);
          // CAM knows the key, which the next check needs.
          if (fault.id !== "cam.permission") throw fault;
          return fault;
        });
      return { client: found, identity };
    },
    ({ identity }) =>
      identity instanceof Fault ? [] : [`It belongs to ${identity.arn ?? "an unknown user"}.`],
  );
  await group.check("this machine's clock agrees with CAM's", [key], async () => {
    const seconds = Math.round(skew.skewMs / 1_000);
    if (seconds === 0) return;
    const which = seconds < 0 ? "ahead of" : "behind";
    throw new Fault("clock.skew", `It is ${Math.abs(seconds)} s ${which} CAM's clock.`);
  });
  await group.check(permissionTo(getCallerIdentity), [key], async ({ identity }) => {
    if (identity instanceof Fault) throw identity;
  });
  await group.check(
    "its key is of the main account that the name means",
    [key, names],
    async ({ identity }, { boundUin }) => {
      if (identity instanceof Fault) throw new Skip("because the owner of the key is not known");
      const bound = await boundUin(name);
      if (bound === undefined) throw new Skip("because no gateway has used the name yet");
      if (bound === identity.accountId) return;
      throw new Fault("account.elsewhere", `${name} means ${bound}. The key is of ${identity.accountId}.`);
    },
  );
  for (const [action, askIt] of [...QUESTIONS, LIST_QUESTIONS[directory.listAction]]) {
    await group.check(permissionTo(action), [key], async ({ client }) => {
      await askIt(client, deadline()).catch((error: unknown) => {
        if (error instanceof CamError && codeOf(error) === "USER_NOT_EXIST") return;
        throw faultOf(error, action);
      });
    });
  }
  await transport.close();
  return group;
}

function permissionTo({ service, name }: CamAction<never, unknown>): string {
  return `the key may call ${service}:${name}`;
}

function codeOf({ camCode }: CamError): string | undefined {
  return camCode === undefined ? undefined : codeForCamCode(camCode);
}

const FAULT_OF_CODE: Readonly<Record<string, FaultId>> = {
  CAM_PERMISSION_DENIED: "cam.permission",
  CAM_CREDENTIALS_REJECTED: "cam.key-refused",
  CAM_CLOCK_SKEW: "clock.skew",
  CAM_RATE_LIMITED: "quota.used-by-others",
};

/** Names the fault of a failed call. @throws the error itself if it is a fault of doctor. */
function faultOf(error: unknown, { service, name }: CamAction<never, unknown>): Fault {
  if (error instanceof GatewayError && error.code === "QUOTA_EXHAUSTED") {
    return new Fault("quota.exhausted", `No slot for ${name} came free in time.`, { cause: error });
  }
  if (!(error instanceof CamError)) throw error;
  const { kind, camCode, camRequestId, failure, cause } = error;
  switch (kind) {
    case "REFUSED": {
      const id = FAULT_OF_CODE[codeOf(error) ?? ""] ?? "cam.unexpected";
      const ids = `CAM answers ${service}:${name} with ${camCode} (request id ${camRequestId ?? "unknown"}).`;
      return new Fault(id, ids, { cause: error });
    }
    case "NO_CREDENTIAL":
      return new Fault("cam.no-key", cause instanceof Error ? cause.message : "It has no key.", {
        cause: error,
      });
    default:
      return new Fault("cam.unreachable", whyUnreachable(failure, kind), { cause: error });
  }
}

function whyUnreachable(failure: CamError["failure"], kind: string): string {
  if (failure === undefined) return `The exchange failed (${kind}).`;
  const { cause, address, why } = failure;
  return `${address === undefined ? "" : `${address}: `}${why} (${cause})`;
}
