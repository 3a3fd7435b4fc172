import { type Environment, variables } from "./variables.ts";

const PREFIX = "TENCENTCLOUD_";

const OURS = Object.keys(variables.shape).filter((name) => name.startsWith(PREFIX));

/** Names of other tools for what the gateway has a name for. Their beginnings are left out. */
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

/** Tencent Cloud's serverless functions set these themselves, and TENCENTCLOUD_RUNENV beside them. */
const OF_FUNCTIONS = ["SECRETID", "SECRETKEY", "SESSIONTOKEN"].map((name) => `${PREFIX}${name}`);

/** So many letters more, less or other, and a name is taken for a slip of the pen. */
const NEAR = 2;

/**
 * Problems for names that begin with TENCENTCLOUD_ and are nearly the gateway's: a key would be ignored without a word.
 * Names of other tools that are about other things, such as TENCENTCLOUD_DOMAIN, are left alone.
 */
export function misspeltTencentCloudNames(env: Environment): readonly string[] {
  const isFunction = env["TENCENTCLOUD_RUNENV"] !== undefined;
  return Object.keys(env)
    .filter((name) => name.toUpperCase().startsWith(PREFIX) && !OURS.includes(name))
    .filter((name) => !(isFunction && OF_FUNCTIONS.includes(name)))
    .flatMap((name) => {
      const meant = nearest(name.toUpperCase());
      return meant === undefined ? [] : [`${name} is not a variable of the gateway. Is ${meant} meant?`];
    });
}

function nearest(name: string): string | undefined {
  const synonym = SYNONYMS[name.slice(PREFIX.length)];
  if (synonym !== undefined) return `${PREFIX}${synonym}`;
  const distances = OURS.map((ours) => ({ ours, distance: distanceOf(bare(name), bare(ours)) }));
  const [best] = distances.sort((one, other) => one.distance - other.distance);
  return best !== undefined && best.distance <= NEAR ? best.ours : undefined;
}

function bare(name: string): string {
  return name.slice(PREFIX.length).replaceAll("_", "");
}

/** How many letters are put in, left out or exchanged (Levenshtein). */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [place, counterpart] of [...other].entries()) {
      const exchanged = (row[place] ?? 0) + (letter === counterpart ? 0 : 1);
      next.push(Math.min(exchanged, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The address that Kubernetes, and Docker before it, sets for a service: `CAM_PORT=tcp://10.96.0.12:80`. */
const LINK = /^(?:tcp|udp|sctp):\/\/(?:\[([^\]]+)\]|([^:/]+)):\d+$/i;

/** The rest of the names that Kubernetes sets for a service. */
const PARTS = /^(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/**
 * The environment without the variables that Kubernetes sets for each Service of the namespace. A Service called `cam` would
 * otherwise give CAM_SERVICE_HOST. That variable stays where its value is not the Service's address: then an operator set it.
 *
 * @param notices is added to where such a variable has the name of one of the gateway's.
 */
export function withoutServiceLinks(env: Environment, notices: string[]): Environment {
  const hosts = serviceHosts(env);
  const kept: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(env)) {
    const prefix = prefixOf(name, hosts);
    if (prefix === undefined || (name === `${prefix}_SERVICE_HOST` && value !== hosts.get(prefix))) {
      kept[name] = value;
    } else if (Object.hasOwn(variables.shape, name)) {
      notices.push(
        `Kubernetes set ${name} for the Service ${prefix.toLowerCase().replaceAll("_", "-")}, and the gateway ignores it. ` +
          "Set enableServiceLinks: false in the pod to keep such variables out.",
      );
    }
  }
  return kept;
}

/** The address of each service, by the beginning of its variables. */
function serviceHosts(env: Environment): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>();
  for (const [name, value = ""] of Object.entries(env)) {
    const link = name.endsWith("_PORT") ? LINK.exec(value) : null;
    if (link !== null) hosts.set(name.slice(0, -"_PORT".length), link[1] ?? link[2] ?? "");
  }
  return hosts;
}

/** The service that a variable is about. */
function prefixOf(name: string, hosts: ReadonlyMap<string, string>): string | undefined {
  for (const prefix of hosts.keys()) {
    if (name.startsWith(`${prefix}_`) && PARTS.test(name.slice(prefix.length + 1))) return prefix;
  }
  return undefined;
}
