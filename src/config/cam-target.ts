import { homedir } from "node:os";
import { join } from "node:path";
import type { CamEndpoint, EnvironmentCredentialSources } from "../cam/index.ts";
import { credentialSources } from "./credential-sources.ts";
import type { Environment, Variables } from "./variables.ts";

export interface CamTarget {
  readonly endpoint: CamEndpoint;
  readonly credentials: {
    readonly environment: EnvironmentCredentialSources;
    readonly profile: {
      readonly name: string;
      readonly paths: readonly string[];
      readonly required: boolean;
    };
  };
  readonly proxy: { readonly http?: string; readonly https?: string; readonly except?: string };
}

/** The official SDKs look at these two, in this order. */
const PROFILE_PATHS = [join(homedir(), ".tencentcloud", "credentials"), "/etc/tencentcloud/credentials"];

/** Which CAM is called, and with which key. Adds to `problems` what is wrong. */
export function camTarget(
  vars: Variables,
  env: Environment,
  mode: "local" | "server",
  problems: string[],
  notices: string[],
): CamTarget | undefined {
  const environment = credentialSources(vars, problems);
  const hasPair = environment.secretId !== undefined && environment.secretKey !== undefined;
  const hasNoKey = environment.secretId === undefined && environment.secretKey === undefined;
  const profileNamed = vars.TENCENTCLOUD_PROFILE !== undefined;
  if ((mode === "server" || vars.CAM_ENDPOINT !== undefined) && hasNoKey && !profileNamed) {
    problems.push(
      `${mode === "server" ? "There are no credentials for CAM" : "CAM_ENDPOINT is set without credentials"}: set ` +
        "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (or their _FILE forms), or name a section of the " +
        "credentials file in TENCENTCLOUD_PROFILE.",
    );
  }
  if (vars.CAM_ENDPOINT === undefined) {
    if (mode === "server")
      problems.push("CAM_ENDPOINT is not set, for example https://cam.tencentcloudapi.com.");
    if (vars.CAM_SERVICE_HOST !== undefined) problems.push("CAM_SERVICE_HOST is set without CAM_ENDPOINT.");
    if (hasPair && mode === "local") {
      notices.push(
        "Credentials are set but not used: without CAM_ENDPOINT the embedded emulator stands in for CAM.",
      );
    }
    return undefined;
  }
  return {
    endpoint: parseEndpoint(vars, problems),
    credentials: {
      environment,
      profile: { name: vars.TENCENTCLOUD_PROFILE ?? "default", paths: PROFILE_PATHS, required: !hasPair },
    },
    proxy: proxyFrom(env),
  };
}

function parseEndpoint(vars: Variables, problems: string[]): CamEndpoint {
  const text = vars.CAM_ENDPOINT ?? "";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (url === undefined || !isBare) {
    problems.push(
      "CAM_ENDPOINT must be an http or https URL of scheme, host and port alone, for example https://cam.tencentcloudapi.com.",
    );
    return { origin: "", serviceHost: "" };
  }
  return { origin: url.origin, serviceHost: vars.CAM_SERVICE_HOST ?? url.host };
}

/** The usual variables in both cases; lower case wins, as in curl. */
function proxyFrom(env: Environment): CamTarget["proxy"] {
  const http = env["http_proxy"] ?? env["HTTP_PROXY"];
  const https = env["https_proxy"] ?? env["HTTPS_PROXY"];
  const except = env["no_proxy"] ?? env["NO_PROXY"];
  return { ...(http && { http }), ...(https && { https }), ...(except && { except }) };
}
