import { createHmac, hash } from "node:crypto";
import type { Clock } from "../../clock.ts";
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

/**
 * The gateway ignores smaller differences: a Date header counts whole seconds, and a reply takes time. CAM allows 300
 * s.
 */
const IGNORED_BELOW_MS = 5_000;

/**
 * The difference between CAM's clock and the gateway's, measured by the Date header of CAM's replies. The gateway signs
 * with CAM's time. So after the first reply, a machine with a wrong clock makes valid signatures.
 */
export class ClockSkew {
  readonly #clock: Clock;
  #skewMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get skewMs(): number {
    return this.#skewMs;
  }

  /** Returns the time of CAM's wall clock, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  /** Returns X-TC-Timestamp for a request that the gateway signs now. */
  timestampSeconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Returns whether an earlier timestamp differs from the current one by at least 5 seconds. */
  hasMovedSince(timestampSeconds: number): boolean {
    return Math.abs(this.timestampSeconds() - timestampSeconds) * 1000 >= IGNORED_BELOW_MS;
  }

  /** Measures the difference by the Date header of a reply. Returns false if the header is missing or malformed. */
  learn(dateHeader: string | undefined): boolean {
    const camNow = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(camNow)) return false;
    const measured = camNow - this.#clock.now();
    this.#skewMs = Math.abs(measured) < IGNORED_BELOW_MS ? 0 : measured;
    return true;
  }
}
