import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { variables } from "../../src/config/variables.ts";
import { kubernetesFiles, kustomization, objects, readKubernetesFile } from "../support/kubernetes-files.ts";
import { fencedBlocks, readPages } from "./pages.ts";

interface Overlay {
  readonly namespace: string;
  readonly configMapGenerator: readonly { readonly name: string; readonly literals?: readonly string[] }[];
  readonly patches: readonly {
    readonly target: { readonly kind: string; readonly name: string };
    readonly patch: string;
  }[];
}

const page = readPages("docs/operators/kubernetes.md", "docs/operators/kubernetes-base.md");
const firstCells = [...page.matchAll(/^\| `([\w.-]+)` +\|/gm)].map(([, cell = ""]) => cell);
const overlay: Overlay = parse(fencedBlocks(page).find(({ language }) => language === "yaml")?.text ?? "");

test("the pages have a row for every file of the base and for every Secret", () => {
  const secrets = objects.flatMap((object) =>
    [...JSON.stringify(object).matchAll(/"secret":\{"name":"([\w-]+)"/g)].map(([, name = ""]) => name),
  );
  const files = kubernetesFiles.filter((file) => file !== "kustomization.yaml");
  expect(firstCells.sort()).toEqual([...files, ...secrets].sort());
});

test("the pages have a row for every connection that the network policy allows", () => {
  const policy = objects.find(
    ({ kind, metadata: { name } }) => kind === "NetworkPolicy" && name === "cam-mfa-gateway",
  );
  const { ingress = [], egress = [] } = (policy as INetworkPolicy | undefined)?.spec ?? {};
  const allowed = [...ingress, ...egress].map(({ ports }) => String(ports?.[0]?.port));
  const rows = [...page.matchAll(/^\| (?:in|out) +\|[^|]+\| (\d+) +\|/gm)].map(([, port]) => port);
  expect(rows).toEqual(allowed);
});

test("the overlay changes only what the base has", () => {
  expect(overlay.namespace).toBe(objects.find(({ kind }) => kind === "Namespace")?.metadata.name);
  const maps = kustomization.configMapGenerator.map(({ name }) => name);
  expect(overlay.configMapGenerator.map(({ name }) => name)).toEqual(maps);
  for (const literal of overlay.configMapGenerator.flatMap(({ literals = [] }) => literals)) {
    expect(Object.keys(variables.shape)).toContain(literal.split("=")[0]);
  }
  for (const { target, patch } of overlay.patches) {
    const object = objects.find(
      ({ kind, metadata: { name } }) => kind === target.kind && name === target.name,
    );
    for (const { op, path } of parse(patch) as readonly { readonly op: string; readonly path: string }[]) {
      expect([op, valueAt(object, path)]).toEqual(["replace", expect.any(String)]);
    }
  }
});

test("the overlay replaces every example address of the base", () => {
  const examples = objects.flatMap((object) => JSON.stringify(object).match(/192\.0\.2\.\d+/g) ?? []);
  const replaced = overlay.patches.flatMap(({ patch }) => patch.match(/ipBlock\/cidr/g) ?? []);
  expect(replaced).toHaveLength(examples.length);
  expect(readKubernetesFile("settings.env")).toContain("AUTH_ISSUER=https://login.example.com\n");
});

/** Follows a JSON Pointer (RFC 6901). */
function valueAt(value: unknown, path: string): unknown {
  const keys = path.split("/").slice(1);
  return keys.reduce<unknown>(
    (inner, key) =>
      (inner as Record<string, unknown> | undefined)?.[key.replaceAll("~1", "/").replaceAll("~0", "~")],
    value,
  );
}
