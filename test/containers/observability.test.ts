import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { ROOT, readComposeFile } from "../support/compose-file.ts";

const { services, configs } = readComposeFile();
const { prometheus, grafana } = services;
const PROFILE = ["observability"];

/** Returns the file that a service sees at a path. */
function mountedAt(service: typeof grafana, path: string): string {
  const source = service?.configs?.find(({ target }) => target === path)?.source ?? "";
  return readFileSync(join(ROOT, configs[source]?.file ?? ""), "utf8");
}

test("only the profile starts Prometheus and Grafana, and nothing else waits for them", () => {
  const inProfile = Object.entries(services).filter(([, { profiles }]) => profiles !== undefined);
  expect(inProfile.map(([name, { profiles }]) => [name, profiles])).toEqual([
    ["prometheus", PROFILE],
    ["grafana", PROFILE],
  ]);
  for (const [name, { depends_on = {}, profiles }] of Object.entries(services)) {
    if (profiles === undefined) expect(Object.keys(depends_on), name).not.toContain("prometheus");
  }
});

test("Prometheus reads the admin port of each gateway, and evaluates the alerts of production", () => {
  const { rule_files, scrape_configs } = parse(mountedAt(prometheus, "/etc/prometheus/prometheus.yml"));
  const gateways = Object.entries(services).filter(([name]) => name.startsWith("gateway-"));
  const admins = gateways.map(
    ([name, { environment = {} }]) => `${name}:${loadConfig(environment, "server").admin?.port}`,
  );
  expect(scrape_configs).toEqual([{ job_name: "cam-mfa-gateway", static_configs: [{ targets: admins }] }]);
  for (const [, { environment, networks = [] }] of gateways) {
    expect(environment?.["ADMIN_HOST"]).toBe("0.0.0.0");
    expect(networks).toEqual(expect.arrayContaining([...(prometheus?.networks ?? [])]));
  }
  expect(rule_files).toEqual(["/etc/prometheus/alerts.yaml"]);
  expect(mountedAt(prometheus, "/etc/prometheus/alerts.yaml")).toBe(
    readFileSync(join(ROOT, "deploy/prometheus/alerts.yaml"), "utf8"),
  );
});

test("Grafana shows the dashboard of production with the data of Prometheus", () => {
  const folder = "/etc/grafana/provisioning";
  const { datasources } = parse(mountedAt(grafana, `${folder}/datasources/prometheus.yaml`));
  const [port] = prometheus?.ports?.map((published) => published.split(":").at(-1)) ?? [];
  expect(datasources).toEqual([
    expect.objectContaining({ type: "prometheus", url: `http://prometheus:${port}`, isDefault: true }),
  ]);
  const { providers } = parse(mountedAt(grafana, `${folder}/dashboards/dashboards.yaml`));
  expect(providers).toEqual([
    expect.objectContaining({ type: "file", options: { path: "/etc/grafana/dashboards" } }),
  ]);
  expect(mountedAt(grafana, "/etc/grafana/dashboards/dashboard.json")).toBe(
    readFileSync(join(ROOT, "deploy/grafana/dashboard.json"), "utf8"),
  );
});

test("Grafana lets anonymous people look, has no password to guess, and calls no other host", () => {
  const environment = grafana?.environment ?? {};
  const isOn = (name: string) => environment[name] === "true";
  expect(isOn("GF_AUTH_ANONYMOUS_ENABLED")).toBe(true);
  // Without this variable the role of an anonymous person is Viewer.
  expect(environment).not.toHaveProperty("GF_AUTH_ANONYMOUS_ORG_ROLE");
  expect(isOn("GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION")).toBe(true);
  const reports = Object.keys(environment).filter((name) => name.startsWith("GF_ANALYTICS_"));
  expect(reports.map((name) => environment[name])).toEqual(["false", "false", "false"]);
  expect(isOn("GF_PLUGINS_PREINSTALL_DISABLED")).toBe(true);
});
