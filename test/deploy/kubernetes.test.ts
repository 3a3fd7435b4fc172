import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IJob } from "kubernetes-models/batch/v1/Job";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import type { IService } from "kubernetes-models/v1/Service";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { policySchema } from "../../src/auth/policy/policy.ts";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/config.ts";
import { variables } from "../../src/config/variables.ts";
import { createAdminApp } from "../../src/http/admin-app.ts";
import { Health } from "../../src/telemetry/health.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { ROOT } from "../support/compose-file.ts";
import {
  type KubernetesObject,
  kubernetesFiles,
  kustomization,
  objects,
  problemsOf,
  readKubernetesFile,
} from "../support/kubernetes-files.ts";

const deployment = find<IDeployment>("Deployment", "cam-mfa-gateway");
const job = find<IJob>("Job", "cam-mfa-gateway-migration");
const policies = objects.filter(
  ({ kind }) => kind === "NetworkPolicy",
) as unknown as readonly INetworkPolicy[];
const templates = { gateway: deployment.spec?.template, migration: job.spec?.template };
const [gateway, migration] = [
  templates.gateway?.spec?.containers[0],
  templates.migration?.spec?.containers[0],
];

const settings = Object.fromEntries(
  readKubernetesFile("settings.env")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
);
const environment = {
  ...settings,
  ...Object.fromEntries((gateway?.env ?? []).map(({ name, value = "a-pod" }) => [name, value])),
};
const config = loadConfig(environment, "server");

describe("the Kustomize base", () => {
  test("lists every file of its folder, and no other", () => {
    const generated = kustomization.configMapGenerator.flatMap(({ envs = [], files = [] }) => [
      ...envs,
      ...files,
    ]);
    expect([...kustomization.resources, ...generated, "kustomization.yaml"].sort()).toEqual(
      [...kubernetesFiles].sort(),
    );
  });

  test.each(objects.map((object) => [object.kind, object.metadata.name, object] as const))(
    "has a %s %s that fits the JSON Schema and has no unknown field",
    (_kind, _name, object) => {
      expect(problemsOf(object)).toEqual([]);
    },
  );

  test("would not pass with a wrong value, an unknown field or an unknown kind", () => {
    const { metadata } = deployment;
    const wrong = { ...deployment, metadata, spec: { ...deployment.spec, replicas: "two" } };
    expect(problemsOf(wrong as unknown as KubernetesObject)).toEqual([
      expect.stringContaining("replicas must be"),
    ]);
    const misspelt = structuredClone(deployment) as unknown as KubernetesObject;
    Object.assign(misspelt, { spec: { ...deployment.spec, minReadySecond: 5 } });
    expect(problemsOf(misspelt)).toEqual(["/spec/minReadySecond"]);
    expect(problemsOf({ ...misspelt, kind: "Deploiment" })).toEqual(["no schema of apps/v1 Deploiment"]);
  });

  test("runs the release of package.json, whose programs exist", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const container of [gateway, migration]) expect(container?.image).toBe(`cam-mfa-gateway:${version}`);
    expect(gateway?.args).toBeUndefined();
    expect(migration?.args).toEqual(["node", "dist/main.js", "migrate", "--grant-to", "gateway"]);
  });

  test("keeps a replica in rotation during upgrades and drains, and spreads them", () => {
    expect(deployment.spec).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
    const budget = find<IPodDisruptionBudget>("PodDisruptionBudget", "cam-mfa-gateway");
    expect(budget.spec?.maxUnavailable).toBe(1);
    const spread = templates.gateway?.spec?.topologySpreadConstraints ?? [];
    expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
      "kubernetes.io/hostname",
      "topology.kubernetes.io/zone",
    ]);
    const selectors = [
      ...[deployment.spec?.selector, budget.spec?.selector],
      ...spread.map(({ labelSelector }) => labelSelector),
    ];
    for (const selector of selectors)
      expect(selector).toEqual({ matchLabels: templates.gateway?.metadata?.labels });
  });

  test("gives a replica time to finish a change before it is killed", () => {
    const sleepS = gateway?.lifecycle?.preStop?.sleep?.seconds ?? 0;
    expect(templates.gateway?.spec?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      sleepS + config.camLimits.timeLimitMs / 1_000 + 10,
    );
  });
});

describe("the configuration", () => {
  test("has variables of the gateway only, and is one of server mode with a signed record and TLS", () => {
    expect(Object.keys(variables.shape)).toEqual(expect.arrayContaining(Object.keys(environment)));
    expect(Object.keys(variables.shape)).toEqual(
      expect.arrayContaining((migration?.env ?? []).map(({ name }) => name)),
    );
    expect(config).toMatchObject({
      mode: "server",
      http: { tls: {} },
      store: { kind: "postgres" },
      checkpoints: {},
    });
    const [{ envFrom } = {}] = templates.gateway?.spec?.containers ?? [];
    expect(envFrom).toEqual([{ configMapRef: { name: "gateway-settings" } }]);
  });

  test("has a policy that allows no change", () => {
    expect(policySchema.parse(parse(readKubernetesFile("policy.yaml")))).toMatchObject({ rules: [] });
  });

  test.each(Object.entries(templates))(
    "of the %s reads every mounted file, and mounts every file that it reads",
    (_name, template) => {
      const { containers: [container] = [], volumes = [] } = template?.spec ?? {};
      const mounted = (container?.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
        const volume = volumes.find((each) => each.name === name);
        const items = volume?.projected?.sources?.flatMap(({ secret }) => secret?.items ?? []) ?? [];
        const maps = kustomization.configMapGenerator.find((each) => each.name === volume?.configMap?.name);
        return [...items.map(({ path }) => path), ...(maps?.files ?? [])].map(
          (path) => `${mountPath}/${path}`,
        );
      });
      const read = (container?.env ?? []).flatMap(({ name, value = "" }) =>
        name.endsWith("_FILE") && value !== "log" ? [value] : [],
      );
      expect(mounted.sort()).toEqual(read.sort());
    },
  );

  test("has no secret: not in the base, and in no variable", () => {
    expect(objects.filter(({ kind }) => kind === "Secret")).toEqual([]);
    for (const container of [gateway, migration]) {
      expect(container?.envFrom?.some(({ secretRef }) => secretRef !== undefined) ?? false).toBe(false);
      expect(container?.env?.filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined)).toEqual([]);
      for (const { name } of container?.env ?? []) expect(name).not.toMatch(/(KEY|SECRET|ID|TOKEN|URL)$/);
    }
  });

  test("gives the owner's database address to the migration alone", () => {
    const secretsOf = (template: typeof templates.gateway) =>
      template?.spec?.volumes?.flatMap(
        ({ projected }) => projected?.sources?.map(({ secret }) => secret?.name) ?? [],
      );
    expect(secretsOf(templates.migration)).toEqual(["gateway-database-owner"]);
    expect(secretsOf(templates.gateway)).not.toContain("gateway-database-owner");
  });
});

describe("the ports", () => {
  test("are those on which the gateway listens, for every host", () => {
    expect(gateway?.ports).toEqual([
      { name: "https", containerPort: config.http.port },
      { name: "admin", containerPort: config.admin?.port },
    ]);
    expect([config.http.host, config.admin?.host]).toEqual(["0.0.0.0", "0.0.0.0"]);
  });

  test("answer on every path that a probe or Prometheus reads", async () => {
    const admin = createAdminApp({
      health: new Health(systemClock),
      metrics: await new Metrics().enablePrometheus(),
      logger: { setLevel: () => {} },
      version: () => ({ version: "", commit: "", schemaHash: "", uptimeSeconds: 0 }),
      hostnames: undefined,
    });
    const { startupProbe, livenessProbe, readinessProbe } = gateway ?? {};
    const probes = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet);
    const { endpoints } = find<{ spec: { endpoints: readonly { port: string; path: string }[] } }>(
      "ServiceMonitor",
      "cam-mfa-gateway",
    ).spec;
    expect([...probes, ...endpoints].map((each) => each?.port)).toEqual(["admin", "admin", "admin", "admin"]);
    const paths = [...probes, ...endpoints].map((each) => each?.path ?? "");
    expect(paths).toEqual(["/health/startup", "/health/live", "/health/ready", "/metrics"]);
    for (const url of paths) expect(admin.hasRoute({ method: "GET", url }), url).toBe(true);
  });

  test("are reached through Services that select the gateway's pods", () => {
    for (const [name, port] of [
      ["cam-mfa-gateway", "https"],
      ["cam-mfa-gateway-admin", "admin"],
    ] as const) {
      const { spec } = find<IService>("Service", name);
      expect(spec?.selector).toEqual(templates.gateway?.metadata?.labels);
      expect(spec?.ports).toEqual([expect.objectContaining({ name: port, targetPort: port })]);
    }
    const { spec } = find<{ spec: { selector: { matchLabels: object } } }>(
      "ServiceMonitor",
      "cam-mfa-gateway",
    );
    expect(find<IService>("Service", "cam-mfa-gateway-admin").metadata?.labels).toMatchObject(
      spec.selector.matchLabels,
    );
  });
});

describe("the network policies", () => {
  const policyOf = (name: string) => policies.find(({ metadata }) => metadata?.name === name)?.spec;
  const portsOf = (
    rules: readonly { readonly ports?: readonly { readonly port?: string | number }[] }[] = [],
  ) => rules.map(({ ports }) => ports?.map(({ port }) => port));

  test("deny everything that no other policy allows", () => {
    expect(policyOf("default-deny")).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  });

  test("let callers in on the gateway's port, and Prometheus on the admin port", () => {
    const spec = policyOf("cam-mfa-gateway");
    expect(spec?.podSelector?.matchLabels).toEqual(templates.gateway?.metadata?.labels);
    expect(portsOf(spec?.ingress)).toEqual([[config.http.port], [config.admin?.port]]);
    expect(spec?.ingress?.every(({ from = [] }) => from.length > 0)).toBe(true);
  });

  test("let the gateway out to DNS, PostgreSQL, CAM, the issuer and the collector alone", () => {
    const { egress } = policyOf("cam-mfa-gateway") ?? {};
    expect(portsOf(egress)).toEqual([[53, 53], [5432], [443], [443], [4318]]);
    expect(egress?.every(({ to = [] }) => to.length > 0)).toBe(true);
    const everywhere = egress
      ?.flatMap(({ to = [] }) => to)
      .filter(({ ipBlock }) => ipBlock?.cidr.endsWith("/0"));
    // Cloud metadata services are at 169.254.0.23 and 169.254.169.254.
    expect(everywhere?.map(({ ipBlock }) => ipBlock?.except)).toEqual([
      expect.arrayContaining(["169.254.0.0/16"]),
    ]);
  });

  test("let the migration out to DNS and PostgreSQL alone", () => {
    const spec = policyOf("cam-mfa-gateway-migration");
    expect(spec?.podSelector?.matchLabels).toEqual(templates.migration?.metadata?.labels);
    expect(spec?.egress).toEqual(policyOf("cam-mfa-gateway")?.egress?.slice(0, 2));
  });
});

test("the alerts are the spec of a PrometheusRule", () => {
  const spec = parse(readFileSync(join(ROOT, "deploy/prometheus/alerts.yaml"), "utf8"));
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "x" },
    spec,
  };
  expect(problemsOf(rule)).toEqual([]);
});

function find<Kind>(kind: string, name: string): Kind {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`The base has no ${kind} ${name}.`);
  return found as unknown as Kind;
}
