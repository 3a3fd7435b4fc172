import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { ROOT, readComposeFile } from "../support/compose-file.ts";
import { fencedBlocks } from "./fenced-blocks.ts";

const page = readFileSync(join(ROOT, "docs/operators/containers.md"), "utf8");
const compose = readComposeFile();

describe("docs/operators/containers.md", () => {
  test("has a row for every service and no other", () => {
    const rows = [...page.matchAll(/^\| (`.*?) +\|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/[\w-]+/g) ?? [],
    );
    expect(rows.sort()).toEqual(Object.keys(compose.services).sort());
  });

  test("has every published address", () => {
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    for (const port of published) expect(page).toContain(`<http://${port.split(":").slice(0, 2).join(":")}`);
  });

  test("shows an override for the real CAM that changes existing services to a valid configuration", () => {
    const block = fencedBlocks(page).find(({ language }) => language === "yaml");
    const override = parse(block?.text ?? "") as typeof compose;
    for (const [name, { environment, command = [] }] of Object.entries(override.services)) {
      const merged = { ...compose.services[name]?.environment, ...environment };
      expect(command).toEqual(["node", "dist/main.js", "serve"]);
      expect(loadConfig(merged, "server")).toMatchObject({
        cam: { endpoint: { origin: "https://cam.tencentcloudapi.com" } },
        http: { playground: false },
      });
    }
    expect(Object.keys(override.services)).toEqual(["gateway-1", "gateway-2"]);
    expect(compose.secrets).toMatchObject(
      Object.fromEntries(Object.keys(override.secrets).map((name) => [name, expect.anything()])),
    );
  });
});
