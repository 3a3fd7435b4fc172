import { BlockList, isIP } from "node:net";
import { utf8Text } from "../utf8.ts";
import { type Caller, isMisleading, isPrintable, LOCAL_CALLER, type Scope } from "./caller.ts";
import type { ClaimMismatch } from "./claim-mismatch.ts";

/** The parts of a request that identify its caller. */
export interface IncomingRequest {
  /** Header names and values, alternating. An object of headers would hide a repeated header. */
  readonly rawHeaders: readonly string[];
  /** The address of the peer. */
  readonly remoteAddress: string | undefined;
}

export type Authentication = { readonly caller: Caller } | Refusal;

/** The reason why the gateway rejects a token or certificate. */
export interface Refusal {
  /** A sentence that is safe to show the caller. */
  readonly refusal: string;
  /** The time until the caller may try again. Set only if the gateway could not verify a token that may be valid. */
  readonly retryAfterMs?: number;
  /** For the log only: an error of the gateway or the issuer. */
  readonly cause?: unknown;
  /** For the log only: the issuer and audience of a token that is meant for another service. */
  readonly mismatch?: ClaimMismatch;
  /** For the log only: the wrong claim. */
  readonly claim?: { readonly name: string; readonly problem: string };
  /** Set only for a token that is too long to read. The token may be valid, and signing in again does not help. */
  readonly code?: "TOKEN_TOO_LARGE";
}

export interface Authenticator {
  authenticate(request: IncomingRequest): Promise<Authentication>;
}

/** Treats every request as a request of the development caller. */
export const localAuthenticator: Authenticator = {
  authenticate: async () => ({ caller: LOCAL_CALLER }),
};

/** Returns every value of a header, in the order of the request. */
export function headerValues({ rawHeaders }: IncomingRequest, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}

/** The authentication method of callers with a certificate. Records and logs show it instead of a token's issuer. */
export const CLIENT_CERTIFICATE = "client certificate";

export interface ClientCertificateSettings {
  /** The header in which the proxy forwards the subject of the certificate, in lower case. */
  readonly header: string;
  /** Addresses of the trusted proxies, and networks such as `10.0.0.0/8`. */
  readonly proxies: readonly string[];
  /** The scopes of every caller with a certificate. */
  readonly scopes: readonly Scope[];
}

/**
 * The owner of a certificate, named as in the owner's tokens. So the certificate and the tokens identify one caller.
 */
export interface CertificateOwner {
  readonly subject: string;
  readonly issuer: string;
}

/** Identifies callers by client certificates, which a proxy in front of the gateway has verified. */
export class CertificateAuthenticator {
  readonly #settings: ClientCertificateSettings;
  readonly #owners: ReadonlyMap<string, CertificateOwner>;
  readonly #isProxy: (address: string) => boolean;

  /** @param owners By the exact value of the header. The subject of a certificate without an owner is its own name. */
  constructor(
    settings: ClientCertificateSettings,
    owners: ReadonlyMap<string, CertificateOwner> = new Map(),
  ) {
    this.#settings = settings;
    this.#owners = owners;
    this.#isProxy = isInNetworks(settings.proxies);
  }

  /** Returns the caller, a refusal, or undefined if the request has no certificate. */
  identify(request: IncomingRequest): Authentication | undefined {
    const { header, scopes } = this.#settings;
    const [value, ...further] = headerValues(request, header);
    if (value === undefined) return undefined;
    if (request.remoteAddress === undefined || !this.#isProxy(request.remoteAddress)) {
      return { refusal: `The header ${header} is only accepted from a trusted proxy.` };
    }
    if (further.length > 0) return { refusal: `The request has more than one header ${header}.` };
    // Node decodes headers as Latin-1, and proxies write the names of certificates in UTF-8.
    const subject = utf8Text(Buffer.from(value, "latin1"));
    if (subject === undefined) return { refusal: `The header ${header} is not UTF-8.` };
    if (!isPrintable(subject)) return { refusal: `The header ${header} has no usable name.` };
    if (isMisleading(subject)) return { refusal: `The name in the header ${header} mixes scripts.` };
    const owner = this.#owners.get(subject) ?? { subject, issuer: CLIENT_CERTIFICATE };
    return { caller: { ...owner, scopes: new Set(scopes) } };
  }
}

/** Returns a function that checks whether an address is in one of the networks. @throws Error as `networksOf` does. */
export function isInNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = networksOf(networks);
  return (address) => list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** Parses addresses and networks. @throws Error if an entry is neither. */
export function networksOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, /^\d+$/.test(prefix) ? Number(prefix) : Number.NaN, family);
  }
  return list;
}
