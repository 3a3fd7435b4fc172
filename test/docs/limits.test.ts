import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { MAX_TOKEN_BYTES } from "../../src/auth/token-verifier.ts";
import { loadConfig } from "../../src/config/config.ts";
import { MAX_FIELDS } from "../../src/graphql/admission.ts";
import * as documents from "../../src/graphql/documents/document-limits.ts";
import {
  HEADERS_TIMEOUT_MS,
  MAX_BODY_BYTES,
  MAX_HEADER_BYTES,
  REQUEST_TIMEOUT_MS,
} from "../../src/http/app.ts";
import { MAX_JSON_NESTING } from "../../src/http/graphql/graphql-request.ts";

const page = await readFile("docs/operators/limits.md", "utf8");
const { http, camLimits } = loadConfig({}, "local");

test("docs/operators/limits.md states the limits of the code", () => {
  expect(MAX_JSON_NESTING).toBe(documents.MAX_NESTING);
  expect(page).toContain(`a bearer token: ${MAX_TOKEN_BYTES / 1024} KiB`);
  expect(MAX_HEADER_BYTES - MAX_TOKEN_BYTES).toBeGreaterThanOrEqual(8 * 1024);
  const told = [...page.matchAll(/^\| (.+?) +\| ([\d,]+)/gm)].map(([, of, limit]) => [
    of,
    Number(limit?.replaceAll(",", "")),
  ]);
  expect(Object.fromEntries(told)).toEqual({
    "the body": MAX_BODY_BYTES / 1024 / 1024,
    "the headers": MAX_HEADER_BYTES / 1024,
    "time for the headers": HEADERS_TIMEOUT_MS / 1000,
    "time for the whole request": REQUEST_TIMEOUT_MS / 1000,
    "levels of braces, brackets and of variables": documents.MAX_NESTING,
    "characters of a document": documents.MAX_CHARACTERS,
    "tokens of a document": documents.MAX_TOKENS,
    operations: documents.MAX_OPERATIONS,
    "variables that a document declares": documents.MAX_VARIABLES,
    "fragments that a document defines": documents.MAX_FRAGMENTS,
    "fragment spreads": documents.MAX_SPREADS,
    selections: documents.MAX_SELECTIONS,
    "selections of one place in the answer": documents.MAX_REPEATS,
    "values of arguments": documents.MAX_VALUES,
    "levels of fields": documents.MAX_DEPTH,
    aliases: documents.MAX_ALIASES,
    directives: documents.MAX_DIRECTIVES,
    "fields of an answer": MAX_FIELDS,
    "calls of CAM for one action": (camLimits.ratePerSecond * camLimits.timeLimitMs) / 1000,
    "requests of one caller": http.callerRatePerSecond,
    connections: http.maxConnections,
  });
});
