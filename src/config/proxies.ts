import type { ProxySettings } from "../cam/index.ts";
import { Secret } from "../secret.ts";
import type { Environment } from "./variables.ts";

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
