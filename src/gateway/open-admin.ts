import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { LOOPBACK_NAMES } from "../config/cam-settings.ts";
import { LOOPBACK_HOSTS } from "../config/config.ts";
import { createAdminApp, type Version } from "../http/admin-app.ts";
import type { Foundation } from "./foundation.ts";
import { COMMIT_FILE, PACKAGE_JSON, SUBGRAPH_SDL } from "./package-paths.ts";

/**
 * Opens the admin port before all other parts, so that it shows their start, and closes it after them.
 *
 * @returns its address, for example `http://127.0.0.1:9464`. Undefined if the configuration has none.
 */
export async function openAdminPort({
  config,
  clock,
  logger,
  telemetry,
  open,
}: Foundation): Promise<string | undefined> {
  if (config.admin === undefined) return undefined;
  const { host, port } = config.admin;
  const startedMs = clock.monotonic();
  const release = await readRelease();
  const app = createAdminApp({
    health: telemetry.health,
    metrics: await telemetry.metrics.enablePrometheus(),
    logger,
    version: () => ({
      ...release,
      uptimeSeconds: Math.floor((clock.monotonic() - startedMs) / 1_000),
    }),
    hostnames: LOOPBACK_HOSTS.includes(host) ? LOOPBACK_NAMES : undefined,
  });
  open.defer(() => app.close());
  await app.listen({ host, port });
  const { address, port: taken } = app.server.address() as AddressInfo;
  return `http://${address.includes(":") ? `[${address}]` : address}:${taken}`;
}

/** Reads the version, the commit and the schema of this release. */
export async function readRelease(): Promise<Omit<Version, "uptimeSeconds">> {
  const [manifest, commit, sdl] = await Promise.all([
    readFile(PACKAGE_JSON, "utf8"),
    readFile(COMMIT_FILE, "utf8").catch(() => "unknown"),
    readFile(SUBGRAPH_SDL),
  ]);
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return { version, commit: commit.trim(), schemaHash: createHash("sha256").update(sdl).digest("hex") };
}
