import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

/** Resolves a name to addresses. */
export type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>;

/** The kinds of addresses that a receiver may have besides public ones. */
export interface AddressRules {
  /** Addresses of this machine, in local mode alone. */
  readonly loopback: boolean;
  readonly private: boolean;
}

/** The error of a receiver with an address that the gateway never connects to. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

const KINDS: Readonly<Record<string, keyof AddressRules>> = {
  loopback: "loopback",
  private: "private",
  uniqueLocal: "private",
  carrierGradeNat: "private",
};

/** Metadata services of clouds that are not link-local. The link-local ones include 169.254.0.23 and 169.254.169.254. */
const METADATA = ["100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"].map((address) =>
  ipaddr.parse(address).toString(),
);

/** All global addresses of IPv6 begin with these three bits. Others, such as ::7f00:1, may be IPv4 addresses in disguise. */
const GLOBAL_IPV6 = ipaddr.IPv6.parse("2000::");

/** Returns why the gateway does not connect to an address; undefined if it may. */
function problemOfAddress(address: string, rules: AddressRules): string | undefined {
  // An IPv4-mapped address of IPv6 counts as the IPv4 address.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (METADATA.includes(parsed.toString())) return "has the address of a metadata service";
  const isGlobal = !(parsed instanceof ipaddr.IPv6) || parsed.match(GLOBAL_IPV6, 3);
  if (range === "unicast" && isGlobal) return undefined;
  const kind = KINDS[range];
  if (kind !== undefined && rules[kind]) return undefined;
  return `has an address of the kind ${range}, which is refused`;
}

/** Returns the problem of a URL whose host is an IP address. A connection to one makes no lookup. */
export function problemOfHost({ hostname }: URL, rules: AddressRules): string | undefined {
  const address = hostname.replace(/^\[|\]$/g, "");
  return isIP(address) === 0 ? undefined : problemOfAddress(address, rules);
}

/** Resolves a name for the system, in the order of its answers. */
export const resolveBySystem: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * Returns the lookup of a connection. The connection goes to an address that passed the rules, so an answer that changes
 * later cannot lead it elsewhere. One refused address refuses the name.
 */
export function permittedLookup(rules: AddressRules, resolve: Resolve): LookupFunction {
  const permitted = async (hostname: string) => {
    const found = await resolve(hostname);
    for (const { address } of found) {
      const problem = problemOfAddress(address, rules);
      if (problem !== undefined) throw new RefusedAddressError(problem);
    }
    return found;
  };
  return (hostname, { all }, callback) => {
    permitted(hostname).then(
      (found) => {
        const [{ address, family } = { address: "", family: 0 }] = found;
        if (all === true) callback(null, [...found]);
        else callback(null, address, family);
      },
      (error: NodeJS.ErrnoException) => callback(error, "", 0),
    );
  };
}
