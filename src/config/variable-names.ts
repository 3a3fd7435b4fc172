import { type Environment, variables } from "./variables.ts";

/** Prefixes that no other program uses. */
const OUR_PREFIX = /^(AUTH|CAM(?!_EMULATOR)|ROUTER|TLS|TRUSTED_DOCUMENTS|AUDIT|POLICY|CALLER)_/;

const PREFIX = "TENCENTCLOUD_";

/** The suffixes of the variables that Kubernetes sets for a Service. */
const SERVICE_SUFFIX = /^(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Returns a problem for each unknown name that looks like one of the gateway's. The gateway would ignore its value. */
export function problemsOfNames(env: Environment): string[] {
  const names = Object.keys(env).filter((name) => !isVariable(name));
  const unknown = names
    .filter((name) => OUR_PREFIX.test(name) && !isOfService(name))
    .map((name) => `${name} is not a variable of the gateway; see --help for the list.`);
  // Serverless functions of Tencent Cloud set these names themselves.
  const isFunction = env["TENCENTCLOUD_RUNENV"] !== undefined;
  const misspelt = names
    .filter((name) => name.toUpperCase().startsWith(PREFIX))
    .filter((name) => !(isFunction && /^TENCENTCLOUD_(SECRETID|SECRETKEY|SESSIONTOKEN)$/.test(name)))
    .flatMap((name) => {
      const meant = nearest(name.toUpperCase().slice(PREFIX.length));
      return meant === undefined
        ? []
        : [`${name} is not a variable of the gateway. Did you mean ${PREFIX}${meant}?`];
    });
  return [...unknown, ...misspelt];
}

function isVariable(name: string): boolean {
  return Object.hasOwn(variables.shape, name);
}

function isOfService(name: string): boolean {
  return [...name.matchAll(/_/g)].some(({ index }) => SERVICE_SUFFIX.test(name.slice(index + 1)));
}

/** Names that other tools use, without TENCENTCLOUD_, and the gateway's names for the same things. */
const SYNONYMS: Readonly<Record<string, string>> = {
  ACCESS_KEY: "SECRET_KEY",
  ACCESS_KEY_ID: "SECRET_ID",
  ACCESS_KEY_SECRET: "SECRET_KEY",
  ASSUME_ROLE_ARN: "ROLE_ARN",
  ASSUME_ROLE_EXTERNAL_ID: "ROLE_EXTERNAL_ID",
  ASSUME_ROLE_SESSION_DURATION: "ROLE_DURATION_SECONDS",
  ASSUME_ROLE_SESSION_NAME: "ROLE_SESSION_NAME",
  ID: "SECRET_ID",
  KEY: "SECRET_KEY",
  ROLE: "ROLE_ARN",
  ROLE_NAME: "CAM_ROLE_NAME",
  SECRET: "SECRET_KEY",
  SECRET_ACCESS_KEY: "SECRET_KEY",
  SECRET_TOKEN: "SESSION_TOKEN",
  STS_TOKEN: "SESSION_TOKEN",
};

/** The largest distance of a misspelt name, in letters. Other tools' names, such as DOMAIN, are further away. */
const MAX_DISTANCE = 2;

/** Returns the gateway's name that a misspelt name means. Both are without TENCENTCLOUD_. */
function nearest(name: string): string | undefined {
  const synonym = SYNONYMS[name];
  if (synonym !== undefined) return synonym;
  const [best] = Object.keys(variables.shape)
    .filter((ours) => ours.startsWith(PREFIX))
    .map((ours) => ours.slice(PREFIX.length))
    .map((ours) => ({ ours, distance: distanceOf(name.replaceAll("_", ""), ours.replaceAll("_", "")) }))
    .sort((one, other) => one.distance - other.distance);
  return best !== undefined && best.distance <= MAX_DISTANCE ? best.ours : undefined;
}

/** Returns the Levenshtein distance: how many letters are inserted, omitted or replaced. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [place, counterpart] of [...other].entries()) {
      const replaced = (row[place] ?? 0) + (letter === counterpart ? 0 : 1);
      next.push(Math.min(replaced, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The address that Kubernetes, and Docker before it, sets for a Service: `CAM_PORT=tcp://10.96.0.12:80`. */
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\/(?:\[([^\]]+)\]|([^:/]+)):\d+$/i;

/**
 * Returns the environment without the variables that Kubernetes sets for each Service of the namespace. A Service
 * called `cam` would set CAM_SERVICE_HOST. That variable stays if its value is not the Service's address: an operator
 * set it. Adds a notice for each removed variable that has the name of one of the gateway's.
 */
export function withoutServiceLinks(env: Environment, notices: string[]): Environment {
  const hosts = serviceHosts(env);
  const kept: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(env)) {
    const prefix = [...hosts.keys()].find(
      (start) => name.startsWith(`${start}_`) && SERVICE_SUFFIX.test(name.slice(start.length + 1)),
    );
    if (prefix === undefined || (name === `${prefix}_SERVICE_HOST` && value !== hosts.get(prefix))) {
      kept[name] = value;
    } else if (isVariable(name)) {
      notices.push(
        `Kubernetes set ${name} for the Service ${prefix.toLowerCase().replaceAll("_", "-")}, and the gateway ignores it. ` +
          "Set enableServiceLinks: false in the pod to keep such variables out.",
      );
    }
  }
  return kept;
}

/** Returns the address of each Service by the prefix of its variables. */
function serviceHosts(env: Environment): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>();
  for (const [name, value = ""] of Object.entries(env)) {
    const link = name.endsWith("_PORT") ? SERVICE_ADDRESS.exec(value) : null;
    if (link !== null) hosts.set(name.slice(0, -"_PORT".length), link[1] ?? link[2] ?? "");
  }
  return hosts;
}
