import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { fencedBlocks } from "../docs/fenced-blocks.ts";
import { ROOT } from "../support/compose-file.ts";
import { startProgram } from "../support/start-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// The test starts a database, the emulator and two gateways on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const FREE_PORTS = ["--port=0", "--second-port=0", "--emulator-port=0", "--control-port=0"];
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
  const read = async (pattern: RegExp) => pattern.exec(await stack.line(pattern)) ?? [];
  const [, one = "", two = ""] = await read(/^stack +\| GraphQL +(\S+)\/graphql +(\S+)\/graphql/);
  const [, control = ""] = await read(/^stack +\| CAM +the emulator, \S+; .* (\S+)/);
  const [, database = ""] = await read(/^stack +\| PostgreSQL +(\S+)/);
  expect(`${await stack.line(/^stack +\| The caller got/)}\n`).toBe(start?.shown);
  await stack.line(/MFA change applied/);

  const folder = await temporaryFolder();
  await folder.write("stack.log", `${stack.lines.join("\n")}\n`);
  const run = async (text: string) => {
    const here = text
      .replaceAll("http://127.0.0.1:4000", one)
      .replaceAll("http://127.0.0.1:4001", two)
      .replaceAll("http://127.0.0.1:4101", control);
    return (await promisify(execFile)("sh", ["-euc", here], { cwd: folder.path })).stdout;
  };
  expect(commands).toHaveLength(4);
  for (const { language, text, shown } of commands) {
    const printed = language === "sql" ? await query(database, text) : await run(text);
    expect(`${printed.trimEnd()}\n`).toBe(shown);
  }
});
