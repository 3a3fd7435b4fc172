import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CAM_ERROR_CATALOGUE } from "../../src/contract/index.ts";
import type { Gateway } from "../../src/gateway/create-gateway.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { startLocalGateway } from "../support/start-gateway.ts";
import { fencedBlocks, readPages } from "./pages.ts";

const readme = readFileSync("README.md", "utf8");
// The page on the API continues after the README: its record shows the README's change.
const blocks = fencedBlocks(readPages("README.md", "docs/consumers/graphql-api.md"));

/** Returns the blocks to run, each with the expected answer: the JSON block after it. */
function withAnswers(isRun: (block: (typeof blocks)[number]) => boolean) {
  return blocks.flatMap((block, index) => {
    const answer = blocks[index + 1];
    return isRun(block) && answer?.language === "json"
      ? [{ text: block.text, answer: JSON.parse(answer.text) }]
      : [];
  });
}

let gateway: Gateway;

// Local mode, as `npm start` runs it, with the users that the pages name.
beforeAll(async () => {
  gateway = await startLocalGateway({ DATABASE_URL: await createTestPostgres() });
});
afterAll(() => gateway.stop());

const JSON_BODY = { "content-type": "application/json" };

async function post(body: string, headers: Readonly<Record<string, string>> = JSON_BODY): Promise<unknown> {
  const response = await fetch(gateway.address.url, { method: "POST", headers, body });
  return response.json();
}

/** Replaces ids, which differ in every run. */
function withoutIds(answer: unknown): unknown {
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return JSON.parse(JSON.stringify(answer).replaceAll(uuid, "(id)"));
}

describe("the README and the page on the API", () => {
  test.each(withAnswers(({ language }) => language === "graphql"))(
    "show operations with their answers",
    async ({ text, answer }) => {
      expect(withoutIds(await post(JSON.stringify({ query: text })))).toEqual(withoutIds(answer));
    },
  );

  test.each(withAnswers(({ text }) => text.startsWith("curl ")))(
    "show curl commands with their answers",
    async ({ text, answer }) => {
      const [, url = ""] = /curl (\S+)/.exec(text) ?? [];
      const [, body = ""] = /--data '(.*)'/.exec(text) ?? [];
      const headers = [...text.matchAll(/--header '(\S+): (.*)'/g)].map(([, name, value]) => [name, value]);
      expect(url).toBe("http://127.0.0.1:4000/graphql");
      const sent = () => post(body, Object.fromEntries(headers));
      const first = await sent();
      expect(withoutIds(first)).toEqual(withoutIds(answer));
      // A repeated key returns the same answer, with the same ids.
      if (text.includes("idempotency-key")) expect(await sent()).toEqual(first);
    },
  );

  test("show at least one operation and one curl command with answers", () => {
    expect(withAnswers(({ language }) => language === "graphql")).not.toEqual([]);
    expect(withAnswers(({ text }) => text.startsWith("curl "))).not.toEqual([]);
  });
});

interface ErrorRow {
  readonly code: string;
  readonly camCodes: readonly string[];
  readonly opUin: string;
  readonly method: string | undefined;
}

const rows: ErrorRow[] = [
  ...readme.matchAll(/^\| `([A-Z_]+)`\s*\|[^|]*\|([^|]*)\|\s*(\d+), ([^|]*)\|$/gm),
].map(([, code = "", fromCam = "", opUin = "", method = ""]) => ({
  code,
  camCodes: [...fromCam.matchAll(/`([\w.]+)`/g)].map(([, camCode = ""]) => camCode),
  opUin,
  method: /`(\w+): true`/.exec(method)?.[1],
}));

describe("the README's table of business errors", () => {
  test("has a row for each business error of CAM", () => {
    const business = [
      "UserNotBindPhone",
      "UserNotBindWechat",
      "UserUnbindNoPermission",
      "MFATokenError",
      "UserNotExist",
    ];
    const expected = CAM_ERROR_CATALOGUE.filter(({ camCodes }) =>
      camCodes.some((camCode) => business.some((name) => camCode.endsWith(`.${name}`))),
    ).map(({ code }) => code);
    expect(rows.map(({ code }) => code)).toEqual(expect.arrayContaining(expected));
  });

  test.each(rows)("has the right answer for $code", async ({ code, camCodes, opUin, method }) => {
    const login = method === undefined ? "" : `, login: { ${method}: true }`;
    const query = `mutation { trySetSubUserMfa(opUin: "${opUin}"${login}) { ... on CamFailure { code camCode } } }`;
    const { data } = (await post(JSON.stringify({ query }))) as {
      data: { trySetSubUserMfa: { code: string; camCode: string | null } };
    };
    expect(data.trySetSubUserMfa.code).toBe(code);
    if (camCodes.length > 0) expect(camCodes).toContain(data.trySetSubUserMfa.camCode);
    else expect(data.trySetSubUserMfa.camCode).toBeNull();
  });
});
