import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { MAX_TOKEN_BYTES } from "../../src/auth/token-verifier.ts";
import { loadConfig } from "../../src/config.ts";
import { MAX_FIELDS } from "../../src/graphql/limits/answer-size-limit.ts";
import { MAX_NESTING } from "../../src/graphql/limits/document-nesting.ts";
import {
  MAX_ALIASES,
  MAX_DEPTH,
  MAX_DIRECTIVES,
  MAX_TOKENS,
} from "../../src/graphql/limits/document-rules.ts";
import { MAX_JSON_NESTING } from "../../src/http/graphql/json-nesting.ts";
import {
  HEADERS_TIMEOUT_MS,
  MAX_BODY_BYTES,
  MAX_HEADER_BYTES,
  REQUEST_TIMEOUT_MS,
} from "../../src/http/http-limits.ts";

const page = await readFile("docs/operations.md", "utf8");
const [, section = ""] = /## Limits of one request\n(.+?)\n## /s.exec(page) ?? [];
const command = loadConfig({}, ["--local"]);
if (command.kind !== "run") throw new Error("Local mode without variables runs.");
const { http, camLimits } = command.config;

test("docs/operations.md tells the limits that there are", () => {
  expect(MAX_JSON_NESTING).toBe(MAX_NESTING);
  expect(section).toContain(`a bearer token: ${MAX_TOKEN_BYTES / 1024} KiB`);
  expect(MAX_HEADER_BYTES - MAX_TOKEN_BYTES).toBeGreaterThanOrEqual(8 * 1024);
  const told = [...section.matchAll(/^\| (.+?) +\| ([\d,]+)/gm)].map(([, of, limit]) => [
    of,
    Number(limit?.replaceAll(",", "")),
  ]);
  expect(Object.fromEntries(told)).toEqual({
    "the body": MAX_BODY_BYTES / 1024 / 1024,
    "the headers": MAX_HEADER_BYTES / 1024,
    "time for the headers": HEADERS_TIMEOUT_MS / 1000,
    "time for the whole request": REQUEST_TIMEOUT_MS / 1000,
    "levels of braces, brackets and of variables": MAX_NESTING,
    "tokens of a document": MAX_TOKENS,
    "levels of fields": MAX_DEPTH,
    aliases: MAX_ALIASES,
    directives: MAX_DIRECTIVES,
    "fields of an answer": MAX_FIELDS,
    "calls of CAM for one action": (camLimits.callsPerSecond * camLimits.deadlineMs) / 1000,
    "requests of one caller": http.callerRatePerSecond,
    connections: http.maxConnections,
  });
});
