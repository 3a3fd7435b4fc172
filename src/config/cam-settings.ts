import type { CamEndpoint, CredentialSettings, ProxySettings } from "../cam/index.ts";
import { Secret } from "../secret.ts";
import { credentialSettings, profilePaths } from "./credential-variables.ts";
import type { Environment, Variables } from "./variables.ts";

export interface CamTarget {
  readonly endpoint: CamEndpoint;
  readonly credentials: CredentialSettings;
  readonly proxy: ProxySettings;
}

/** Which CAM is called, and with which key. Adds to `problems` what is wrong. */
export function camTarget(
  vars: Variables,
  env: Environment,
  mode: "local" | "server",
  problems: string[],
  notices: string[],
): CamTarget | undefined {
  const { settings, isAnyNamed } = credentialSettings(vars, problems);
  if (vars.TENCENTCLOUD_PROFILE !== undefined && env["TENCENTCLOUD_SHARED_CREDENTIALS_DIR"] !== undefined) {
    notices.push(
      `TENCENTCLOUD_SHARED_CREDENTIALS_DIR is not used: profiles are read from ${profilePaths().join(" or ")}.`,
    );
  }
  if ((mode === "server" || vars.CAM_ENDPOINT !== undefined) && !isAnyNamed) {
    problems.push(
      `${mode === "server" ? "There are no credentials for CAM" : "CAM_ENDPOINT is set without credentials"}: set ` +
        "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (or their _FILE forms), or name a section of the " +
        "credentials file in TENCENTCLOUD_PROFILE, or the role of the instance in TENCENTCLOUD_CAM_ROLE_NAME.",
    );
  }
  if (vars.CAM_ENDPOINT === undefined) {
    if (mode === "server")
      problems.push("CAM_ENDPOINT is not set, for example https://cam.tencentcloudapi.com.");
    if (vars.CAM_SERVICE_HOST !== undefined) problems.push("CAM_SERVICE_HOST is set without CAM_ENDPOINT.");
    if (isAnyNamed && mode === "local") {
      notices.push(
        "Credentials are set but not used: without CAM_ENDPOINT the embedded emulator stands in for CAM.",
      );
    }
    return undefined;
  }
  return {
    endpoint: endpointOf(vars, problems, notices),
    credentials: settings,
    proxy: proxies(env, problems),
  };
}

function endpointOf(vars: Variables, problems: string[], notices: string[]): CamEndpoint {
  const endpoint = parseEndpoint(vars.CAM_ENDPOINT ?? "", vars.CAM_SERVICE_HOST);
  if (endpoint !== undefined) {
    const { protocol, hostname } = new URL(endpoint.origin);
    if (protocol === "http:" && !LOOPBACK_NAMES.includes(hostname)) {
      notices.push(
        "CAM_ENDPOINT is http: what is asked of CAM and what it answers travels unencrypted, and whoever is on the way " +
          "can alter the answers.",
      );
    }
    return endpoint;
  }
  problems.push(`CAM_ENDPOINT ${ENDPOINT_RULE}.`);
  return { origin: "", serviceHost: "" };
}

export const ENDPOINT_RULE =
  "must be an http or https URL of scheme, host and port alone, for example https://cam.tencentcloudapi.com";

/** Where CAM is, by an address and the name in the Host header where that is another; undefined for no such address. */
export function parseEndpoint(text: string, serviceHost: string | undefined): CamEndpoint | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  return isBare ? { origin: url.origin, serviceHost: serviceHost ?? url.host } : undefined;
}

/** What to go through, by the usual variables in both cases; lower case wins, as in curl. Adds to `problems` what is wrong. */
export function proxies(env: Environment, problems: string[]): ProxySettings {
  const [http, https] = [proxyOf("http_proxy", env, problems), proxyOf("https_proxy", env, problems)];
  const except = env["no_proxy"] ?? env["NO_PROXY"];
  return { ...(http && { http }), ...(https && { https }), ...(except && { except }) };
}

function proxyOf(
  name: "http_proxy" | "https_proxy",
  env: Environment,
  problems: string[],
): Secret | undefined {
  const url = env[name] ?? env[name.toUpperCase()];
  if (!url) return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    problems.push(
      `${name.toUpperCase()} must be an http or https URL, for example http://proxy.example.com:3128.`,
    );
  }
  return new Secret(url);
}

/** The names of this machine, as URLs and Host headers write them. */
export const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
