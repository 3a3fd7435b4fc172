import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { answerParent } from "./answer-parent.ts";
import { CAM_CALLS_PER_SECOND, isFleetKey } from "./fleet-accounts.ts";

/**
 * A minimal stub of CAM: it answers valid envelopes immediately and checks no signatures. It throttles only the keys of
 * `fleetKey`. It reports how often each action was called and throttled.
 */
const FLAGS = { Phone: 0, Token: 0, Stoken: 1, Wechat: 0, Custom: 0, Mail: 0, U2FToken: 0, Passkey: 0 };
const OFFSITE_FLAG = { VerifyFlag: 0, NotifyPhone: 0, NotifyEmail: 0, NotifyWechat: 0, Tips: 0 };

/** Returns the fields of the response for each action, from the request's body. */
const actions: Readonly<Record<string, (body: string) => object>> = {
  SetMfaFlag: () => ({}),
  DescribeSafeAuthFlagColl: () => ({
    LoginFlag: FLAGS,
    ActionFlag: FLAGS,
    OffsiteFlag: OFFSITE_FLAG,
    PromptTrust: 0,
  }),
  DescribeSubAccounts: (body) => {
    const { FilterSubAccountUin: uins } = JSON.parse(body) as { FilterSubAccountUin: number[] };
    return { SubAccounts: uins.map(profileOf) };
  },
  GetCallerIdentity: () => ({ Type: "CAMUser", AccountId: "100000000001", PrincipalId: "100000000002" }),
};

function profileOf(uin: number): object {
  return {
    Uin: uin,
    Name: `user-${uin}`,
    Uid: uin % 1_000_000,
    Remark: "Made up by the stub",
    CreateTime: "2024-05-06 07:08:09",
    UserType: 0,
    LastLoginIp: "203.0.113.7",
    LastLoginTime: "2025-06-07 08:09:10",
  };
}

const calls: Record<string, number> = {};
let throttles = 0;
/** The times of accepted calls in the last second, for each action and limited key. */
const accepted = new Map<string, number[]>();

function isThrottled(action: string, secretId: string): boolean {
  if (!isFleetKey(secretId)) return false;
  const nowMs = performance.now();
  const recent = (accepted.get(`${secretId}/${action}`) ?? []).filter((atMs) => atMs > nowMs - 1_000);
  const isOver = recent.length >= CAM_CALLS_PER_SECOND;
  if (!isOver) recent.push(nowMs);
  accepted.set(`${secretId}/${action}`, recent);
  return isOver;
}

const tls = {
  cert: readFileSync(process.env["CERTIFICATE_FILE"] ?? ""),
  key: readFileSync(process.env["KEY_FILE"] ?? ""),
};
const server = createServer(tls, async (request, response) => {
  const body = await text(request);
  response.setHeader("content-type", "application/json");
  const action = String(request.headers["x-tc-action"]);
  calls[action] = (calls[action] ?? 0) + 1;
  const secretId = /Credential=([^/]+)/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const throttled = isThrottled(action, secretId);
  if (throttled) throttles += 1;
  const fields = throttled
    ? { Error: { Code: "RequestLimitExceeded", Message: "Too many calls" } }
    : (actions[action]?.(body) ?? { Error: { Code: "InvalidAction", Message: action } });
  response.end(JSON.stringify({ Response: { ...fields, RequestId: randomUUID() } }));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on https://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

answerParent<{ readonly kind: "calls"; readonly action: string }>(
  "calls",
  ({ action }) => calls[action] ?? 0,
);
answerParent("throttles", () => throttles);
