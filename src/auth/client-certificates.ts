import { BlockList, isIP } from "node:net";
import { utf8Text } from "../utf8.ts";
import { type Authentication, headerValues, type IncomingRequest } from "./authenticator.ts";
import type { Scope } from "./caller.ts";
import { isPrintable } from "./claims.ts";
import { isMisleading } from "./subject.ts";

/** Stands where a token's issuer would in records and logs: the proxy has checked the certificate. */
export const VOUCHER = "client certificate";

export interface ClientCertificateSettings {
  /** The header in which the proxy gives the subject of the certificate, in small letters. */
  readonly header: string;
  /** Addresses of proxies, and networks as `10.0.0.0/8`. Nobody else is believed. */
  readonly proxies: readonly string[];
  /** What whoever has a certificate may do. */
  readonly scopes: readonly Scope[];
}

/** The person whose certificate it is, as tokens name them, so that both are one caller. */
export interface CertificateOwner {
  readonly subject: string;
  readonly issuer: string;
}

/** Knows callers by certificates that a proxy in front of the gateway has verified. */
export class ClientCertificates {
  readonly #settings: ClientCertificateSettings;
  readonly #owners: ReadonlyMap<string, CertificateOwner>;
  readonly #isProxy: (address: string) => boolean;

  /** @param owners By the header's value, to the letter. A certificate without one is a caller by its own name. */
  constructor(
    settings: ClientCertificateSettings,
    owners: ReadonlyMap<string, CertificateOwner> = new Map(),
  ) {
    this.#settings = settings;
    this.#owners = owners;
    this.#isProxy = isIn(settings.proxies);
  }

  /** Who sent the request; undefined where it tells of no certificate. */
  identify(request: IncomingRequest): Authentication | undefined {
    const { header, scopes } = this.#settings;
    const [value, ...further] = headerValues(request, header);
    if (value === undefined) return undefined;
    if (request.remoteAddress === undefined || !this.#isProxy(request.remoteAddress)) {
      return { refusal: `The header ${header} is only believed of a proxy that is known here.` };
    }
    if (further.length > 0) return { refusal: `There is more than one header ${header}.` };
    // Node reads a header as Latin-1, and proxies write the names of certificates in UTF-8.
    const subject = utf8Text(Buffer.from(value, "latin1"));
    if (subject === undefined) return { refusal: `The header ${header} is not UTF-8.` };
    if (!isPrintable(subject)) return { refusal: `The header ${header} names nobody.` };
    if (isMisleading(subject)) return { refusal: `The name in the header ${header} mixes scripts.` };
    const owner = this.#owners.get(subject) ?? { subject, issuer: VOUCHER };
    return { caller: { ...owner, scopes: new Set(scopes) } };
  }
}

/** Tells of an address whether it is in one of the networks. @throws Error as `networksOf` does. */
export function isIn(networks: readonly string[]): (address: string) => boolean {
  const list = networksOf(networks);
  return (address) => list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** @throws Error where one is neither an address nor a network. */
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
