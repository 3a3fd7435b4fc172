import { readFileSync } from "node:fs";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { fencedBlocks } from "../docs/pages.ts";
import { ROOT } from "../support/compose-file.ts";
import { addressesOf, FREE_PORTS, runOnStack } from "../support/stack-program.ts";
import { startProgram } from "../support/start-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// The test starts a database, the emulator and two gateways on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const blocks = fencedBlocks(readFileSync("docs/operators/follow-a-lost-reply.md", "utf8"));
const [start, ...commands] = blocks.flatMap(({ language, text }, index) =>
  language === "text" ? [] : [{ language, text, shown: blocks[index + 1]?.text ?? "" }],
);

async function query(database: string, statement: string): Promise<string> {
  const client = new pg.Client(database);
  await client.connect();
  const { fields, rows } = await client.query({ text: statement, rowMode: "array" });
  await client.end();
  const lines = [fields.map(({ name }) => name), ...(rows as unknown[][])];
  return lines.map((cells) => `${cells.join(" | ").trim()}\n`).join("");
}

test("the page about a lost reply shows what its commands print", async () => {
  const [, script = ""] = /^npm run (\S+) \| tee stack\.log$/m.exec(start?.text ?? "") ?? [];
  const stack = startProgram("npm", ["run", script, "--", ...FREE_PORTS], { cwd: ROOT, detached: true });
  const addresses = await addressesOf(stack);
  expect(`${await stack.line(/^stack +\| The caller got/)}\n`).toBe(start?.shown);
  await stack.line(/MFA change applied/);

  const folder = await temporaryFolder();
  await folder.write("stack.log", `${stack.lines.join("\n")}\n`);
  expect(commands).toHaveLength(4);
  for (const { language, text, shown } of commands) {
    const printed =
      language === "sql"
        ? await query(addresses.database, text)
        : await runOnStack(addresses, text, folder.path);
    expect(`${printed.trimEnd()}\n`).toBe(shown);
  }
});
