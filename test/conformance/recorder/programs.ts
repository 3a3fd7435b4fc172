import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { vi } from "vitest";
import type { Subgraph } from "../../../scripts/federated/supergraph.ts";
import { composeSupergraph } from "../../../scripts/federated/supergraph.ts";
import type { RouterId } from "../../../src/cli/doctor/router-guides.ts";
import { closedPort } from "../../support/closed-port.ts";
import { startProgram } from "../../support/start-program.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import type { RouterSetting } from "../support/routers.ts";

const run = promisify(execFile);

/** The composer of Cosmo Router's configuration, from npm. It is no dependency of this project. */
const WGC = "wgc@0.112.7";

/** A router that is installed on this machine. */
export interface RouterProgram {
  readonly router: RouterId;
  readonly settings: readonly RecordedSetting[];
  /** A configuration that waits a second for the gateway. */
  readonly impatient: string;
  /** A configuration that verifies tokens by the keys at this address. */
  authenticating(jwksUrl: string): string;
  /** A configuration that refuses operations of a higher estimated cost, and reports the cost of the others if it can. */
  limitingCost(max: number): string;
  /** A configuration that runs only the operations of a manifest, by their ids. */
  trusting(manifest: TrustedManifest): string;
  /** Starts the router in front of running subgraphs. */
  start(program: string, configuration: string, subgraphs: readonly Subgraph[]): Promise<StartedProgram>;
}

export interface StartedProgram {
  readonly url: string;
  readonly version: string;
}

/** The same trusted documents as one file in Apollo's format, and as a folder with one file for each, which Cosmo reads. */
export interface TrustedManifest {
  readonly file: string;
  readonly folder: string;
}

/** A configuration of a router, as text in its own format. */
export interface RecordedSetting extends Pick<RouterSetting, "id" | "by"> {
  readonly configuration: string;
}

const documented = (file: string) => readFileSync(`docs/consumers/routers/${file}`, "utf8");

export const ROUTER_PROGRAMS: Readonly<Record<"cosmo" | "apollo" | "hive", RouterProgram>> = {
  cosmo: {
    router: "cosmo",
    settings: [
      { id: "cosmo", by: "default", configuration: "" },
      { id: "cosmo-by-docs", by: "docs", configuration: documented("cosmo.yaml") },
      {
        id: "cosmo-pass-through",
        by: "choice",
        configuration: "subgraph_error_propagation:\n  mode: pass-through\n",
      },
    ],
    impatient: "traffic_shaping:\n  subgraphs:\n    cam-mfa:\n      request_timeout: 1s\n",
    authenticating: (url) => yamlOf({ authentication: { jwt: { jwks: [{ url, refresh_interval: "1m" }] } } }),
    limitingCost: (max) => {
      const limit = {
        mode: "enforce",
        max_estimated_limit: max,
        estimated_list_size: 1,
        expose_headers: true,
      };
      return yamlOf({ security: { cost_control: { enabled: true, ...limit } } });
    },
    trusting: ({ folder }) =>
      yamlOf({
        storage_providers: { file_system: [{ id: "trusted", path: folder }] },
        persisted_operations: {
          safelist: { enabled: true },
          storage: { provider_id: "trusted", object_prefix: "" },
        },
      }),
    async start(program, configuration, subgraphs) {
      const folder = await temporaryFolder();
      const graph = await folder.write("graph.json", await composeForCosmo(subgraphs));
      const port = await closedPort();
      const own = {
        version: "1",
        listen_addr: `127.0.0.1:${port}`,
        execution_config: { file: { path: graph } },
        telemetry: { metrics: { prometheus: { enabled: false } } },
      };
      const config = await folder.write("config.yaml", `${configuration}\n${yamlOf(own)}`);
      // Nothing is reported to its vendor.
      const env = { ...process.env, COSMO_TELEMETRY_DISABLED: "true", DO_NOT_TRACK: "1" };
      const { line } = startProgram(program, ["-config", config], { cwd: folder.path, env });
      const ready = await line(/Server initialized and ready to serve requests/);
      return { url: `http://127.0.0.1:${port}/graphql`, version: versionIn(ready) };
    },
  },
  apollo: {
    router: "apollo-router",
    impatient: "traffic_shaping:\n  subgraphs:\n    cam-mfa:\n      timeout: 1s\n",
    authenticating: (url) => yamlOf({ authentication: { router: { jwt: { jwks: [{ url }] } } } }),
    limitingCost: (max) => {
      const strategy = { static_estimated: { list_size: 1, max } };
      return yamlOf({ demand_control: { enabled: true, mode: "enforce", strategy } });
    },
    trusting: ({ file }) => {
      const safelist = { enabled: true, require_id: true };
      return yamlOf({
        apq: { enabled: false },
        persisted_queries: { enabled: true, local_manifests: [file], safelist },
      });
    },
    settings: [
      { id: "apollo-router", by: "default", configuration: "" },
      { id: "apollo-router-by-docs", by: "docs", configuration: documented("apollo-router.yaml") },
      { id: "apollo-router-open", by: "choice", configuration: "include_subgraph_errors:\n  all: true\n" },
    ],
    async start(program, configuration, subgraphs) {
      const folder = await temporaryFolder();
      const supergraph = await folder.write("supergraph.graphql", composeSupergraph(subgraphs));
      const port = await closedPort();
      const own = {
        supergraph: { listen: `127.0.0.1:${port}`, path: "/graphql" },
        health_check: { enabled: false },
      };
      const config = await folder.write("router.yaml", `${configuration}\n${yamlOf(own)}`);
      const env = { ...process.env, APOLLO_TELEMETRY_DISABLED: "true" };
      const argv = ["--config", config, "--supergraph", supergraph, "--anonymous-telemetry-disabled"];
      const { line } = startProgram(program, argv, { env });
      const named = await line(/Apollo Router v/);
      await line(/GraphQL endpoint exposed at/);
      return { url: `http://127.0.0.1:${port}/graphql`, version: versionIn(named) };
    },
  },
  hive: {
    router: "hive-router",
    impatient: "traffic_shaping:\n  subgraphs:\n    cam-mfa:\n      request_timeout: 1s\n",
    authenticating: (url) =>
      yamlOf({
        jwt: { enabled: true, jwks_providers: [{ source: "remote", url }], require_authentication: false },
      }),
    limitingCost: (max) => {
      const limit = { max, mode: "enforce", expose_headers: { estimated: true } };
      const budget = { mode: "measure" };
      return yamlOf({ demand_control: { enabled: true, operation_cost: limit, subgraphs_budget: budget } });
    },
    trusting: ({ file }) => {
      const storage = { type: "file", path: file, watch: false };
      return yamlOf({ persisted_documents: { enabled: true, require_id: true, storage } });
    },
    settings: [
      { id: "hive-router", by: "default", configuration: "" },
      { id: "hive-router-by-docs", by: "docs", configuration: documented("hive-router.yaml") },
    ],
    async start(program, configuration, subgraphs) {
      const folder = await temporaryFolder();
      const path = await folder.write("supergraph.graphql", composeSupergraph(subgraphs));
      const port = await closedPort();
      const own = { supergraph: { source: "file", path }, http: { host: "127.0.0.1", port } };
      const config = await folder.write("router.config.yaml", `${configuration}\n${yamlOf(own)}`);
      const env = { ...process.env, ROUTER_CONFIG_FILE_PATH: config };
      const { line } = startProgram(program, [], { cwd: folder.path, env });
      const named = await line(/hive-router starting/);
      await untilListening(port);
      return { url: `http://127.0.0.1:${port}/graphql`, version: versionIn(named) };
    },
  },
};

const composed = new Map<string, Promise<string>>();

/** Returns the configuration of a graph for Cosmo Router. Composes each set of schemas once, because that takes long. */
async function composeForCosmo(subgraphs: readonly Subgraph[]): Promise<string> {
  const key = subgraphs.map(({ sdl }) => sdl).join();
  const graph = composed.get(key) ?? runWgc(subgraphs);
  composed.set(key, graph);
  return subgraphs.reduce((text, { name, url }) => text.replaceAll(placeholderOf(name), url), await graph);
}

async function runWgc(subgraphs: readonly Subgraph[]): Promise<string> {
  const folder = await temporaryFolder();
  const listed = await Promise.all(
    subgraphs.map(async ({ name, sdl }) => ({
      name,
      routing_url: placeholderOf(name),
      schema: { file: await folder.write(`${name}.graphql`, sdl) },
    })),
  );
  const input = await folder.write("graph.yaml", JSON.stringify({ version: 1, subgraphs: listed }));
  const output = folder.at("graph.json");
  await run("npx", ["--yes", WGC, "router", "compose", "-i", input, "-o", output, "--suppress-warnings"]);
  return readFileSync(output, "utf8");
}

function placeholderOf(subgraph: string): string {
  return `http://${subgraph}.invalid/graphql`;
}

/** JSON is YAML, so each top-level key becomes a line with JSON. */
function yamlOf(value: object): string {
  return Object.entries(value)
    .map(([key, part]) => `${key}: ${JSON.stringify(part)}\n`)
    .join("");
}

/** Returns the version in a line of a router's log. */
function versionIn(line: string): string {
  const [, version] = /(?:version"?[=:]"?| v)(\d+\.\d+\.\d+[^\s",]*)/.exec(line) ?? [];
  if (version === undefined) throw new Error(`This line names no version: ${line}`);
  return version;
}

/** Hive Router does not log when it listens. */
async function untilListening(port: number): Promise<void> {
  await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/health`), { timeout: 60_000, interval: 200 });
}
