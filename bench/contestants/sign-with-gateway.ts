import { Tc3Signer } from "../../src/cam/signing/tc3-signer.ts";
import { Secret } from "../../src/secret.ts";
import { measureSigning, SIGNED } from "./measure-signing.ts";

/** The gateway's signer, used as in the gateway: one signer and one credential for the life of the process. */
const { host, contentType, body, service, secretId, secretKey } = SIGNED;
const signer = new Tc3Signer();
const credential = { secretId, secretKey: new Secret(secretKey) };

measureSigning((timestampSeconds) => {
  const headers = [
    ["content-type", contentType],
    ["host", host],
  ] as const;
  const request = { method: "POST", query: "", headers, body, service, timestampSeconds } as const;
  return signer.sign(request, credential).authorization;
});
