import { isScope, SCOPES } from "../auth/caller.ts";
import { type ClientCertificateSettings, networksOf } from "../auth/client-certificates.ts";
import { ROUTER_SECRET_HEADER } from "../auth/router-secret.ts";
import type { Variables } from "./variables.ts";
import { wordsOf } from "./words-of.ts";

const ALL = ["AUTH_CLIENT_CERT_HEADER", "AUTH_CLIENT_CERT_SCOPES", "AUTH_PROXY_ADDRESSES"] as const;

/** These say other things. */
const TAKEN: readonly string[] = ["authorization", "cookie", "host", ROUTER_SECRET_HEADER];

/** By which header of which proxies callers are known; undefined where by none. Adds to `problems` what is wrong. */
export function clientCertificates(
  vars: Variables,
  problems: string[],
): ClientCertificateSettings | undefined {
  const missing = ALL.filter((name) => vars[name] === undefined);
  // Without a header, the proxies are those that connect for many clients, and no more.
  if (vars.AUTH_CLIENT_CERT_HEADER === undefined && vars.AUTH_CLIENT_CERT_SCOPES === undefined)
    return undefined;
  for (const name of missing) {
    problems.push(`${name} is not set; certificates by a proxy need all of ${ALL.join(", ")}.`);
  }
  const header = vars.AUTH_CLIENT_CERT_HEADER?.toLowerCase() ?? "";
  if (TAKEN.includes(header)) problems.push(`AUTH_CLIENT_CERT_HEADER cannot be ${header}.`);
  const scopes = wordsOf(vars.AUTH_CLIENT_CERT_SCOPES) ?? [];
  for (const scope of scopes.filter((word) => !isScope(word))) {
    problems.push(`AUTH_CLIENT_CERT_SCOPES has "${scope}", which is none of ${SCOPES.join(", ")}.`);
  }
  return { header, proxies: sound(wordsOf(vars.AUTH_PROXY_ADDRESSES)), scopes: scopes.filter(isScope) };
}

/** The addresses and networks of proxies. Adds to `problems` what is wrong. */
export function proxyAddresses(vars: Variables, problems: string[]): readonly string[] {
  const proxies = wordsOf(vars.AUTH_PROXY_ADDRESSES) ?? [];
  for (const proxy of proxies.filter((word) => !isNetwork(word))) {
    problems.push(
      `AUTH_PROXY_ADDRESSES has "${proxy}", which is neither an address nor a network as 10.0.0.0/8.`,
    );
  }
  for (const proxy of proxies.filter((word) => word.endsWith("/0"))) {
    problems.push(`AUTH_PROXY_ADDRESSES has "${proxy}", which is everybody. Name the proxies alone.`);
  }
  return sound(proxies);
}

function sound(proxies: readonly string[] = []): readonly string[] {
  return proxies.filter(isNetwork);
}

function isNetwork(text: string): boolean {
  try {
    networksOf([text]);
    return true;
  } catch {
    return false;
  }
}
