import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { Job } from "kubernetes-models/batch/v1/Job";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { Service } from "kubernetes-models/v1/Service";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { parse, parseAllDocuments } from "yaml";
import { ROOT } from "./compose-file.ts";

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly {
    readonly name: string;
    readonly envs?: readonly string[];
    readonly files?: readonly string[];
  }[];
}

const FOLDER = join(ROOT, "deploy/kubernetes");

/** Every file of the base. */
export const kubernetesFiles = readdirSync(FOLDER);

export function readKubernetesFile(name: string): string {
  return readFileSync(join(FOLDER, name), "utf8");
}

export const kustomization: Kustomization = parse(readKubernetesFile("kustomization.yaml"));

/** Every object of the base. */
export const objects = kustomization.resources.flatMap((file) =>
  parseAllDocuments(readKubernetesFile(file)).map((document): KubernetesObject => document.toJS()),
);

/** The JSON Schemas of Kubernetes and of the Prometheus Operator, as functions that ajv compiled from them. */
const SCHEMAS = [
  ...[Namespace, ServiceAccount, Service, Deployment, Job, PodDisruptionBudget, NetworkPolicy],
  ...[ServiceMonitor, PrometheusRule],
];

/**
 * Returns what an API server with strict validation would refuse: a value that does not fit the schema, and each field
 * that the schema does not have. The schemas allow unknown fields, so a field that no validation reads is one.
 */
export function problemsOf(object: KubernetesObject): readonly string[] {
  const schema = SCHEMAS.find(
    ({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind,
  );
  if (schema === undefined) return [`no schema of ${object.apiVersion} ${object.kind}`];
  const read = new Set<string>();
  try {
    schema.prototype.validate.call(watchReads(object, "", read));
  } catch (error) {
    return [(error as Error).message];
  }
  return pathsOf(object, "").filter((path) => !read.has(path));
}

/** Wraps a value so that `read` collects the path of each field that is read from it. */
function watchReads<Value>(value: Value, path: string, read: Set<string>): Value {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get: (target, key) => {
      const inner = `${path}/${String(key)}`;
      read.add(inner);
      return watchReads(Reflect.get(target, key), inner, read);
    },
  });
}

function pathsOf(value: unknown, path: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    `${path}/${key}`,
    ...pathsOf(inner, `${path}/${key}`),
  ]);
}
