import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CAM_ERROR_CATALOGUE,
  type CamErrorFacts,
  createCamErrorExtensions,
  isCamErrorExtensions,
} from "../../src/contract/index.ts";

const schemaFile = new URL("../../schema/error-extensions.schema.json", import.meta.url);
const validate = new Ajv2020().compile(JSON.parse(readFileSync(schemaFile, "utf8")));

const fullFacts: CamErrorFacts = {
  requestId: "r-1",
  retryAfterMs: 250,
  changeId: "c-1",
  expiresAt: "2026-03-01T09:30:00.000Z",
  opUin: "18446744073709551615",
  cam: { code: "FailedOperation", action: "SetMfaFlag", requestId: "v-1" },
};

describe.each(CAM_ERROR_CATALOGUE)("the extensions of $code", ({ code, category, retryable }) => {
  const throttled = category === "THROTTLED";
  const full: Record<string, unknown> = { ...createCamErrorExtensions(code, fullFacts) };

  test("match the published schema with all facts and with only the required ones", () => {
    expect(full).toEqual({ code, category, retryable, ...fullFacts });
    expect(validate(full), JSON.stringify(validate.errors)).toBe(true);

    const least = createCamErrorExtensions(code, { requestId: "r-1" });
    const facts = throttled ? { requestId: "r-1", retryAfterMs: 1_000 } : { requestId: "r-1" };
    expect(least).toStrictEqual({ code, category, retryable, ...facts });
    expect(validate(least), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    ["another category", { category: category === "INPUT" ? "INTERNAL" : "INPUT" }],
    ["the opposite retryable", { retryable: !retryable }],
    ["another code", { code: category === "NOT_FOUND" ? "INTERNAL" : "USER_NOT_EXIST" }],
    ["a code in lower case", { code: code.toLowerCase() }],
    ["no request id", { requestId: undefined }],
    ["a number as request id", { requestId: 7 }],
    ["a number as user", { opUin: 100021969091 }],
    ["a number as time", { expiresAt: 1_772_357_400_000 }],
    ["a string as waiting time", { retryAfterMs: "250" }],
    ["an incomplete cam", { cam: { code: "FailedOperation" } }],
    ["null as cam", { cam: null }],
  ])("with %s are refused by the schema and by the guard", (_, wrong) => {
    const altered = JSON.parse(JSON.stringify({ ...full, ...wrong }));
    expect(validate(altered)).toBe(false);
    expect(isCamErrorExtensions(altered)).toBe(false);
  });

  test("need a waiting time only for a throttled code", () => {
    const { retryAfterMs: _, ...without } = full;
    expect(validate(without)).toBe(!throttled);
    expect(isCamErrorExtensions(without)).toBe(!throttled);
  });

  test("with an additional key are refused by the schema and accepted by the guard, because routers add keys", () => {
    const more = { ...full, serviceName: "cam" };
    expect(validate(more)).toBe(false);
    expect(isCamErrorExtensions(more)).toBe(true);
  });
});

describe("createCamErrorExtensions", () => {
  test("returns extensions that the schema and the guard accept, for any waiting time", () => {
    const code = fc.constantFrom(...CAM_ERROR_CATALOGUE.map((info) => info.code));
    const facts = fc.record(
      {
        requestId: fc.string(),
        retryAfterMs: fc.option(fc.double(), { nil: undefined }),
        changeId: fc.option(fc.string(), { nil: undefined }),
        expiresAt: fc.option(
          fc
            .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
            .map((date) => date.toISOString()),
          { nil: undefined },
        ),
        opUin: fc.option(fc.constant("100021969091"), { nil: undefined }),
        cam: fc.option(fc.record({ code: fc.string(), action: fc.string(), requestId: fc.string() }), {
          nil: undefined,
        }),
      },
      { requiredKeys: ["requestId"] },
    );
    fc.assert(
      fc.property(code, facts, (someCode, someFacts) => {
        const extensions = createCamErrorExtensions(someCode, someFacts);
        expect(validate(extensions), JSON.stringify(validate.errors)).toBe(true);
        expect(isCamErrorExtensions(JSON.parse(JSON.stringify(extensions)))).toBe(true);
      }),
    );
  });

  test("rounds the waiting time up, so that no caller retries too early", () => {
    expect(
      createCamErrorExtensions("QUOTA_EXHAUSTED", { requestId: "r", retryAfterMs: 0.2 }).retryAfterMs,
    ).toBe(1);
  });

  test("keeps only the facts of the contract", () => {
    const cam = { code: "c", action: "a", requestId: "v", secretKey: "k" };
    const facts = { requestId: "r", cam, stack: "s" };
    expect(JSON.stringify(createCamErrorExtensions("INTERNAL", facts))).not.toMatch(/secretKey|stack/);
  });
});

describe("the guard", () => {
  test.each([null, undefined, "INTERNAL", 7, [], {}, { code: "UNAUTHENTICATED" }])("refuses %j", (value) => {
    expect(isCamErrorExtensions(value)).toBe(false);
  });
});
