import { type Environment, variables } from "./variables.ts";

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
