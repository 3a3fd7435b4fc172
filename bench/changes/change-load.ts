import { type ParsedSeed, parseSeed } from "../../src/emulator/index.ts";

const FIRST_UIN = 100_021_000_001;
/** The gateway changes neither the user of its own key nor the account's root. */
const KEY_USER = "100021999999";

/** Returns the SecretId of an account. CAM counts the calls of each key, so accounts do not share one. */
export function keyOf(account: number): string {
  return account === 0 ? "AKIDLOCALEXAMPLE" : `AKIDACCOUNT${account}`;
}

/** Returns a seed of the emulator with a number of users, who all have a phone. No two accounts have a user in common. */
export function seedUsers(count: number, account = 0): ParsedSeed {
  return parseSeed({
    account: {
      ownerUin: String(100_000_000_001 + account),
      appId: 1 + account,
      uinRanges: [{ from: "100021000000", to: "100021999999" }],
    },
    keys: [{ secretId: keyOf(account), secretKey: "LocalExampleSecretKey", uin: KEY_USER }],
    users: Array.from({ length: count }, (_, at) => ({
      uin: String(FIRST_UIN + account * count + at),
      name: `user-${at}`,
      phone: `138${String(at).padStart(8, "0")}`,
    })),
  });
}

/** Settings for local mode in front of an emulator: the highest rate, and a circuit that never opens. */
export function serverEnv(camUrl: string, databaseUrl: string): Record<string, string> {
  return {
    PORT: "0",
    PLAYGROUND: "off",
    LOG_LEVEL: "silent",
    CAM_ENDPOINT: camUrl,
    CAM_SERVICE_HOST: "cam.tencentcloudapi.com",
    CAM_RATE_PER_SECOND: "1000",
    CALLER_RATE_PER_SECOND: "0",
    CAM_CIRCUIT_FAILURES: "0",
    TENCENTCLOUD_SECRET_ID: keyOf(0),
    TENCENTCLOUD_SECRET_KEY: "LocalExampleSecretKey",
    DATABASE_URL: databaseUrl,
  };
}

export interface PhoneChange {
  readonly opUin: string;
  readonly on: boolean;
  /** Sent as X-Request-Id. CAM receives it as the trace id, and the record keeps it. */
  readonly requestId: string;
}

/** Switches a user's login protection by phone. Returns the error's `code`, if any. Rejects if no answer arrives. */
export async function changePhone(
  gatewayUrl: string,
  change: PhoneChange,
): Promise<{ readonly code?: string }> {
  const { opUin, on, requestId } = change;
  const query = `mutation { trySetSubUserMfa(opUin: "${opUin}", login: { phone: ${on} }, reason: "bench") { ... on CamFailure { code } } }`;
  const response = await fetch(gatewayUrl, {
    method: "POST",
    headers: { "content-type": "application/json", "x-request-id": requestId },
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as { data?: { trySetSubUserMfa: { code?: string } } };
  if (data === undefined) throw new Error(`The gateway answered ${response.status} without data.`);
  return data.trySetSubUserMfa;
}
