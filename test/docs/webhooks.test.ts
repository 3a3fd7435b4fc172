import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { parseWebhooksFile } from "../../src/config/webhooks-file.ts";
import { Secret } from "../../src/secret.ts";
import { EVENT_TYPES } from "../../src/webhooks/receiver.ts";
import { retryDelayMs } from "../../src/webhooks/webhooks.ts";
import { newSecret } from "../webhooks/start-receiver.ts";
import { fencedBlocks } from "./pages.ts";

const page = readFileSync("docs/operators/webhooks.md", "utf8");
const textOf = (language: string): string =>
  fencedBlocks(page).find((block) => block.language === language)?.text ?? "";
const cellsOf = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, cell = ""]) => cell);

test("the gateway and editors accept the file on the page", () => {
  const problems: string[] = [];
  const settings = { file: "webhooks.json", mode: "server", variable: () => new Secret("") } as const;
  const receivers = parseWebhooksFile(textOf("json"), settings, problems);
  expect(problems).toEqual([]);
  expect(receivers.map(({ name }) => name)).toEqual(["siem", "pager"]);
  const isValid = new Ajv2020({ strict: false }).compile(
    JSON.parse(readFileSync("schema/webhooks.schema.json", "utf8")) as object,
  );
  expect(isValid(JSON.parse(textOf("json"))), JSON.stringify(isValid.errors)).toBe(true);
});

test("the lines that verify a signature accept an event, and no changed one", () => {
  const secret = newSecret();
  const lines = textOf("js").replace(/^import .+$/m, "");
  const verify = new Function("Webhook", "secret", `${lines} return verify;`)(Webhook, secret);
  const [body, at] = ['{"type":"drift.found"}', new Date()];
  const headers = {
    "webhook-id": "1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(secret).sign("1", at, body),
  };
  expect(verify(body, headers)).toEqual({ type: "drift.found" });
  expect(() => verify(`${body} `, headers)).toThrow("No matching signature found");
});

test("the tables have every event and the waits", () => {
  expect(cellsOf(/^\| `([a-z_]+\.[a-z_]+)` /gm)).toEqual(EVENT_TYPES);
  const waits = cellsOf(/^\| \d(?: and more)? +\| ([^|]+?) +\|$/gm);
  const seconds = waits.map((wait) =>
    [...wait.matchAll(/(\d+) (min|s)/g)].reduce(
      (sum, [, n, unit]) => sum + Number(n) * (unit === "min" ? 60 : 1),
      0,
    ),
  );
  expect(seconds).toEqual([1, 2, 3, 4, 5, 6].map((failures) => retryDelayMs(failures, 0.5) / 1_000));
});
