import type { CamEndpoint, CredentialSettings, ProxySettings } from "../cam/index.ts";
import { Secret } from "../secret.ts";
import { profilePaths, readCredentialSettings } from "./credential-settings.ts";
import type { ConfigInput } from "./variables.ts";

export interface CamConnection {
  readonly endpoint: CamEndpoint;
  readonly credentials: CredentialSettings;
  readonly proxy: ProxySettings;
}

/** The loopback names of this machine in URLs and Host headers. */
export const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Returns the endpoint and the key of the default account. Undefined in local mode without CAM_ENDPOINT. */
export function readCamConnection(input: ConfigInput): CamConnection | undefined {
  const { vars, env, mode, problems, notices } = input;
  const { settings, isAnyNamed } = readCredentialSettings(input);
  if (vars.TENCENTCLOUD_PROFILE !== undefined && env["TENCENTCLOUD_SHARED_CREDENTIALS_DIR"] !== undefined) {
    notices.push(
      `TENCENTCLOUD_SHARED_CREDENTIALS_DIR is not used: profiles are read from ${profilePaths().join(" or ")}.`,
    );
  }
  if ((mode === "server" || vars.CAM_ENDPOINT !== undefined) && !isAnyNamed) {
    problems.push(
      `${mode === "server" ? "The gateway has no credentials for CAM" : "CAM_ENDPOINT is set without credentials"}: set ` +
        "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (or their _FILE forms), or name a section of the " +
        "credentials file in TENCENTCLOUD_PROFILE, or the role of the instance in TENCENTCLOUD_CAM_ROLE_NAME.",
    );
  }
  if (vars.CAM_ENDPOINT === undefined) {
    if (mode === "server") {
      problems.push("CAM_ENDPOINT is not set, for example https://cam.tencentcloudapi.com.");
    } else if (isAnyNamed) {
      notices.push(
        "Credentials are set but not used: without CAM_ENDPOINT the embedded emulator replaces CAM.",
      );
    }
    return undefined;
  }
  return { endpoint: readEndpoint(input), credentials: settings, proxy: readProxies(input) };
}

function readEndpoint({ vars, problems, notices }: ConfigInput): CamEndpoint {
  const endpoint = parseEndpoint(vars.CAM_ENDPOINT ?? "", vars.CAM_SERVICE_HOST);
  if (endpoint === undefined) {
    problems.push(`CAM_ENDPOINT ${ENDPOINT_RULE}.`);
    return { origin: "", serviceHost: "" };
  }
  const { protocol, hostname } = new URL(endpoint.origin);
  if (protocol === "http:" && !LOOPBACK_NAMES.includes(hostname)) {
    notices.push(
      "CAM_ENDPOINT is http: calls to CAM travel unencrypted, and anyone on the network path can alter the replies.",
    );
  }
  return endpoint;
}

export const ENDPOINT_RULE =
  "must be an http or https URL of scheme, host and port alone, for example https://cam.tencentcloudapi.com";

/** Returns undefined for an address that breaks ENDPOINT_RULE. The service host defaults to the address's host. */
export function parseEndpoint(text: string, serviceHost: string | undefined): CamEndpoint | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  return isBare ? { origin: url.origin, serviceHost: serviceHost ?? url.host } : undefined;
}

/** Reads the usual proxy variables in both cases. Lower case wins, as in curl. */
export function readProxies({ env, problems }: Pick<ConfigInput, "env" | "problems">): ProxySettings {
  const proxyOf = (name: "http_proxy" | "https_proxy"): Secret | undefined => {
    const url = env[name] ?? env[name.toUpperCase()];
    if (!url) return undefined;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      problems.push(
        `${name.toUpperCase()} must be an http or https URL, for example http://proxy.example.com:3128.`,
      );
    }
    return new Secret(url);
  };
  const [http, https] = [proxyOf("http_proxy"), proxyOf("https_proxy")];
  const except = env["no_proxy"] ?? env["NO_PROXY"];
  return { ...(http && { http }), ...(https && { https }), ...(except && { except }) };
}
