import { BlockList, isIP } from "node:net";
import { utf8Text } from "../utf8.ts";
import { type Authentication, headerValues, type IncomingRequest } from "./authenticator.ts";
import type { Scope } from "./caller.ts";
import { isMisleading, isPrintable } from "./subject.ts";

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
    this.#isProxy = isIn(settings.proxies);
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
export function isIn(networks: readonly string[]): (address: string) => boolean {
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
