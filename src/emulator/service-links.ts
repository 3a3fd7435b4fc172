type Environment = Readonly<Record<string, string | undefined>>;

/** The address that Kubernetes sets for a Service: `CAM_EMULATOR_PORT=tcp://10.96.0.12:4100` for `cam-emulator`. */
const ADDRESS = /^(tcp|udp|sctp):\/\/\S+:\d+$/i;

/** The names of a variable with that address. */
const WITH_ADDRESS = /^(.+?)_PORT(_\d+_(TCP|UDP|SCTP))?$/;

/** The rest of the names of a Service's variables. */
const PARTS = /^(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/**
 * The environment without the variables of Services, and the beginnings of those whose `_PORT` was left out. A `_PORT` that
 * is no such address stays: an operator set it, which wins in Kubernetes.
 */
export function withoutServiceLinks(env: Environment): {
  readonly settings: Environment;
  readonly services: readonly string[];
} {
  const all = new Set<string>();
  for (const [name, value = ""] of Object.entries(env)) {
    const service = WITH_ADDRESS.exec(name)?.[1];
    if (service !== undefined && ADDRESS.test(value)) all.add(service);
  }
  const settings = Object.entries(env).filter(([name, value = ""]) => {
    const service = [...all].find(
      (prefix) => name.startsWith(`${prefix}_`) && PARTS.test(name.slice(prefix.length + 1)),
    );
    return service === undefined || (name === `${service}_PORT` && !ADDRESS.test(value));
  });
  const services = [...all].filter((service) => ADDRESS.test(env[`${service}_PORT`] ?? ""));
  return { settings: Object.fromEntries(settings), services };
}
