import { answerParent } from "../support/answer-parent.ts";
import { EXAMPLE_KEY } from "../support/example-key.ts";

/**
 * A signer in a process of its own: `measure-signing.ts gateway` or `measure-signing.ts sdk`. Answers the requests of
 * `bench/signing.ts`: a signature, and the mean CPU time of one signature in microseconds.
 */

/** The call that both signers sign: a SetMfaFlag call with two full flag sets. */
const SIGNED = {
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

/** Returns the Authorization header for a timestamp. */
type Sign = (timestampSeconds: number) => string;

const { host, contentType, body, service, secretId, secretKey } = SIGNED;

/** Each process loads one signer only. */
const SIGNERS: Readonly<Record<string, () => Promise<Sign>>> = {
  /** The gateway's signer, used as in the gateway: one signer and one credential for the life of the process. */
  async gateway() {
    const { Tc3Signer } = await import("../../src/cam/signing/tc3-signer.ts");
    const { Secret } = await import("../../src/secret.ts");
    const signer = new Tc3Signer();
    const credential = { secretId, secretKey: new Secret(secretKey) };
    return (timestampSeconds) => {
      const headers = [
        ["content-type", contentType],
        ["host", host],
      ] as const;
      const request = { method: "POST", query: "", headers, body, service, timestampSeconds } as const;
      return signer.sign(request, credential).authorization;
    };
  },

  /** The official SDK's signer. It gets the body as bytes and so omits the serialisation of its client. */
  async sdk() {
    const { default: sdk } = await import("tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js");
    const payload = Buffer.from(body);
    return (timestamp) =>
      sdk.default.sign3({
        method: "POST",
        url: `https://${host}/`,
        payload,
        timestamp,
        service,
        secretId,
        secretKey,
        multipart: false,
        boundary: "",
        headers: { "Content-Type": contentType },
      });
  },
};

const sign = await SIGNERS[process.argv[2] ?? ""]?.();
if (sign === undefined) throw new Error("Name a signer.");

answerParent<SignQuestion>("sign", () => sign(FIRST_TIMESTAMP));
answerParent<TimeQuestion>("time", ({ signatures }) => {
  const before = process.cpuUsage();
  for (let i = 0; i < signatures; i++) sign(FIRST_TIMESTAMP + (i % TIMESTAMPS));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / signatures;
});
console.log("ready");
