import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { routerArtefacts } from "../../scripts/generate/artefacts.ts";
import { generate } from "../../scripts/generate/run.ts";
import {
  FORWARDED_HEADERS,
  PATIENCE_SECONDS,
  ROUTER_GUIDES,
  SUBGRAPH,
} from "../../src/cli/doctor/router-guides.ts";
import { loadConfig } from "../../src/config/config.ts";
import { CAM_ERROR_EXTENSION_KEYS } from "../../src/contract/index.ts";
import { ROUTER_SETTINGS, type RouterSetting } from "../conformance/support/routers.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";
import { asSubgraph, sendTo } from "../support/started-router.ts";
import { fencedBlocks } from "./pages.ts";

const page = readFileSync("docs/consumers/routers.md", "utf8");
const yamlFiles = ROUTER_GUIDES.map(({ configuration: { file } }) => file).filter((file) =>
  file.endsWith(".yaml"),
);

test("docs/consumers/routers.md and its files are up to date", async () => {
  const lines: string[] = [];
  expect(await generate(routerArtefacts, { root: ".", check: true, print: (line) => lines.push(line) })).toBe(
    0,
  );
  expect(lines).toHaveLength(1);
});

test("a router must forward exactly the keys of the published schema", () => {
  const schema = JSON.parse(readFileSync("schema/error-extensions.schema.json", "utf8"));
  const ofEach = Object.keys(schema.$defs.USER_NOT_EXIST.properties);
  expect(CAM_ERROR_EXTENSION_KEYS.toSorted()).toEqual(ofEach.toSorted());
});

test("the router guides wait longer than the gateway's default deadline", () => {
  const env = {
    CAM_ENDPOINT: "http://127.0.0.1:1",
    TENCENTCLOUD_SECRET_ID: "AKIDx",
    TENCENTCLOUD_SECRET_KEY: "x",
  };
  const { camLimits } = loadConfig({ ...env, DATABASE_URL: "postgres://127.0.0.1/x" }, "local");
  expect(camLimits.timeLimitMs).toBeLessThan(PATIENCE_SECONDS * 1000);
});

describe.each(yamlFiles)("%s", (file) => {
  const text = readFileSync(`docs/consumers/routers/${file}`, "utf8");

  test("is YAML that names the subgraph, every key and every header", () => {
    expect(parse(text, { strict: true, uniqueKeys: true })).toBeTypeOf("object");
    for (const word of [SUBGRAPH, ...CAM_ERROR_EXTENSION_KEYS]) expect(text).toContain(word);
    for (const header of FORWARDED_HEADERS)
      expect(text.toLowerCase()).toContain(`: ${header}`.replace(": ", ""));
  });

  test("is on the page", () => {
    const shown = fencedBlocks(page).filter(({ language }) => language === "yaml");
    expect(shown.map(({ text: block }) => parse(block))).toContainEqual(parse(text));
  });
});

describe("the headers of a client reach the gateway", () => {
  let gateway: StartedGateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });

  const byDocs = ROUTER_SETTINGS.filter(({ id }) => /^(apollo|hive)-gateway-by-docs$/.test(id));
  test.each<RouterSetting>(byDocs)("through $id", async ({ start }) => {
    const headers = { "x-request-id": "known-everywhere", "idempotency-key": "routers-page" };
    const operation = `mutation { setSubUserMfa(opUin: "100000000001") { requestId } }`;
    const { errors } = await sendTo(await start(asSubgraph(gateway)), operation, {}, headers);
    expect(errors).toMatchObject([
      { extensions: { code: "NOTHING_TO_CHANGE", requestId: "known-everywhere" } },
    ]);
  });
});
