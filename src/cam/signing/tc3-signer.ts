import { createHmac, hash } from "node:crypto";
import type { Credential } from "../credentials/credential.ts";
import { createCanonicalRequest, type HeaderField } from "./canonical-request.ts";
import { SigningKeyCache } from "./signing-key.ts";
import {
  createCredentialScope,
  createStringToSign,
  formatCredentialScope,
  TC3_ALGORITHM,
} from "./string-to-sign.ts";

interface SignableRequest {
  readonly method: "GET" | "POST";
  readonly query: string;
  /** The headers that the signature covers. They must reach CAM with the same values. */
  readonly headers: readonly HeaderField[];
  readonly body: string | Uint8Array;
  readonly service: string;
  /** X-TC-Timestamp. The signer does not read a clock, because the gateway signs with CAM's time. */
  readonly timestampSeconds: number;
}

/** A signature with its intermediate results. The gateway sends only `authorization`. */
interface Tc3Signature {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly signature: string;
  readonly authorization: string;
}

/**
 * Signs API 3.0 requests with TC3-HMAC-SHA256. The other files of this folder implement the first three steps. The fourth
 * writes the Authorization header.
 */
export class Tc3Signer {
  readonly #signingKeys = new SigningKeyCache();

  sign(request: SignableRequest, credential: Credential): Tc3Signature {
    const canonical = createCanonicalRequest({ ...request, payloadHash: hash("sha256", request.body) });
    const scope = createCredentialScope(request.timestampSeconds, request.service);
    const stringToSign = createStringToSign(canonical.text, request.timestampSeconds, scope);
    const signingKey = this.#signingKeys.get(credential.secretKey, scope);
    const signature = createHmac("sha256", signingKey).update(stringToSign).digest("hex");
    const authorization =
      `${TC3_ALGORITHM} Credential=${credential.secretId}/${formatCredentialScope(scope)}, ` +
      `SignedHeaders=${canonical.signedHeaders}, Signature=${signature}`;
    return { canonicalRequest: canonical.text, stringToSign, signature, authorization };
  }
}
