import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const START_POSTGRES = fileURLToPath(new URL("../support/start-postgres.ts", import.meta.url));

/** Starts a PostgreSQL for tests, prints the place of its files, then follows commands. */
const program = (last: string) => `
  import { startPostgres } from ${JSON.stringify(START_POSTGRES)};
  const { scratchDir, stop } = await startPostgres();
  process.stdout.write(scratchDir, () => { ${last} });
`;

test.each([
  ["that stops it", "void stop();"],
  ["that crashes", "throw new Error('crashed');"],
  ["that is killed", "process.kill(process.pid, 'SIGKILL');"],
  ["that is interrupted", "process.kill(process.pid, 'SIGINT');"],
])("a run of tests %s leaves neither its PostgreSQL nor a file", async (_, last) => {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program(last)]);
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  await once(child, "close");
  const dir = said.toString().replace(/\/scratch$/, "");
  expect(dir).toMatch(/gateway-postgres-/);
  // The server must be gone before its files are.
  await expect.poll(() => existsSync(dir), { timeout: 20_000 }).toBe(false);
});
