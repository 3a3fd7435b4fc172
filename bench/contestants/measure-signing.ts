import { answerParent } from "../support/answer-parent.ts";
import { EXAMPLE_KEY } from "../support/example-key.ts";

/** The call that both signers sign: a SetMfaFlag call with two full flag sets. */
export const SIGNED = {
  ...EXAMPLE_KEY,
  service: "cam",
  host: "cam.tencentcloudapi.com",
  contentType: "application/json",
  body: '{"OpUin":100021969091,"LoginFlag":{"Phone":0,"Stoken":1,"Wechat":0},"ActionFlag":{"Phone":0,"Stoken":1,"Wechat":0}}',
};

/** 06:00 UTC, so that the timestamps stay within one day and need no new credential scope, as in production. */
const FIRST_TIMESTAMP = 1_760_076_000;
const TIMESTAMPS = 10_000;

/** The two requests that `bench/signing.ts` sends to a signer. */
export interface SignQuestion {
  readonly kind: "sign";
}
export interface TimeQuestion {
  readonly kind: "time";
  readonly signatures: number;
}

/**
 * Answers the benchmark's requests: a signature, and the mean CPU time of one signature in microseconds. `sign` returns
 * the Authorization header for a timestamp.
 */
export function measureSigning(sign: (timestampSeconds: number) => string): void {
  answerParent<SignQuestion>("sign", () => sign(FIRST_TIMESTAMP));
  answerParent<TimeQuestion>("time", ({ signatures }) => {
    const before = process.cpuUsage();
    for (let i = 0; i < signatures; i++) sign(FIRST_TIMESTAMP + (i % TIMESTAMPS));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / signatures;
  });
  console.log("ready");
}
