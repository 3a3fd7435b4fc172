import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCamGatewayClient } from "../../src/client/index.ts";
import type { Gateway } from "../../src/gateway/create-gateway.ts";
import { installClient, packClient } from "../support/client-package.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { startLocalGateway } from "../support/start-local-gateway.ts";
import { fencedBlocks } from "./fenced-blocks.ts";

const page = readFileSync("docs/client.md", "utf8");
const blocks = fencedBlocks(page);
const programs = blocks.flatMap(({ language, text }, index) =>
  language === "ts" ? [{ text, output: blocks[index + 1]?.text, title: titleOf(text) }] : [],
);
const COMPILER = ["--module", "nodenext", "--skipLibCheck", "--lib", "es2022,dom", "--types", ""];

let gateway: Gateway;
let consumer: Awaited<ReturnType<typeof installClient>>;

beforeAll(async () => {
  gateway = await startLocalGateway({ DATABASE_URL: await createTestPostgres() });
  const tarball = await packClient();
  consumer = await installClient(
    tarball,
    "@apollo/client",
    "rxjs",
    "@urql/core",
    "graphql-request",
    "graphql",
  );
});
afterAll(() => gateway.stop());

function titleOf(program: string): string {
  return [...program.matchAll(/from "(.+)"/g)].map(([, specifier]) => specifier).join(", ");
}

describe("docs/client.md", () => {
  test.each(programs)(
    "has a program that compiles and prints what it says: $title",
    async ({ text, output }) => {
      const file = await consumer.write(
        `program-${programs.findIndex((program) => program.text === text)}.mts`,
        text.replaceAll("https://mfa.example.com/graphql", gateway.address.url),
      );
      const [complaints, printed] = await Promise.all([
        consumer.compile(file, ...COMPILER),
        consumer.runNode(file),
      ]);
      expect(complaints).toBe("");
      expect(printed).toBe(output);
    },
  );

  test("has a program for each library", () => {
    for (const library of ["@apollo/client", "@urql/core", "graphql-request", "graphql"]) {
      expect(programs.some(({ text }) => text.includes(`from "${library}"`))).toBe(true);
    }
  });

  test("names every method of the client", () => {
    const table = page.slice(page.indexOf("| methods"), page.indexOf("`account` names"));
    const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    const methods = Object.keys(createCamGatewayClient({ url: "https://mfa.example.com/graphql" }));
    expect(named.toSorted()).toEqual(methods.toSorted());
  });

  test("names only commands and files that exist", () => {
    const { scripts, version } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const [, name = ""] of page.matchAll(/npm run (\S+)/g)) expect(Object.keys(scripts)).toContain(name);
    for (const [, path = ""] of page.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect(existsSync(`docs/${path}`), path).toBe(true);
    }
    expect(page).toContain(`cam-mfa-gateway-${version}.tgz`);
  });
});
