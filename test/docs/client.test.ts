import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCamGatewayClient } from "../../src/client/index.ts";
import type { Gateway } from "../../src/gateway/create-gateway.ts";
import { installClient, packClient } from "../support/client-package.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { startLocalGateway } from "../support/start-gateway.ts";
import { fencedBlocks, readPages } from "./pages.ts";

const page = readPages("docs/consumers/client.md", "docs/consumers/other-clients.md");
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

describe("the pages on clients", () => {
  test.each(programs)(
    "have a program that compiles and prints the shown output: $title",
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

  test("have a program for each library", () => {
    for (const library of ["@apollo/client", "@urql/core", "graphql-request", "graphql"]) {
      expect(programs.some(({ text }) => text.includes(`from "${library}"`))).toBe(true);
    }
  });

  test("name every method of the client", () => {
    const table = page.slice(page.indexOf("| methods"), page.indexOf("`account` names one"));
    const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    const methods = Object.keys(createCamGatewayClient({ url: "https://mfa.example.com/graphql" }));
    expect(named.toSorted()).toEqual(methods.toSorted());
  });

  test("name the version of the package", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(page).toContain(`cam-mfa-gateway-${version}.tgz`);
  });
});
