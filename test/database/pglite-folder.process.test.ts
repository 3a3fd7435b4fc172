import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { lockDataDir } from "../../src/database/pglite-folder.ts";

const HOLDER = fileURLToPath(new URL("hold-data-dir.ts", import.meta.url));
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gateway-lock-"));
  return () => rm(dir, { recursive: true });
});

/** Another process that tries to take the folder. Its line of output has the result. */
async function tryInAnotherProcess(): Promise<{ child: ChildProcessWithoutNullStreams; said: string }> {
  const child = spawn(process.execPath, [HOLDER, dir]);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: line.toString().trim() };
}

test("a second process is refused with the process that holds the folder", async () => {
  const { child, said } = await tryInAnotherProcess();
  expect(said).toBe("held");
  await expect(lockDataDir(dir)).rejects.toMatchObject({
    name: "DatabaseError",
    message: expect.stringMatching(
      new RegExp(
        `^The data folder ${dir} is in use by process ${child.pid} on .+\\. Stop it, or set DATA_DIR`,
      ),
    ),
  });
  expect((await tryInAnotherProcess()).said).toMatch(`is in use by process ${child.pid} on`);
});

test("the same folder is refused to another part of the same process", async () => {
  const unlock = await lockDataDir(dir);
  await expect(lockDataDir(dir)).rejects.toThrow(`is in use by process ${process.pid} on`);
  await unlock();
});

test("any process can take a released folder", async () => {
  await (await lockDataDir(dir))();
  const unlock = await lockDataDir(dir);
  await unlock();
  await unlock();
  const { child, said } = await tryInAnotherProcess();
  expect(said).toBe("held");
  child.stdin.end();
  await once(child, "close");
  await (await lockDataDir(dir))();
});

test("a killed process does not block the next one", async () => {
  const { child } = await tryInAnotherProcess();
  child.kill("SIGKILL");
  await once(child, "close");
  expect(await readFile(join(dir, "gateway.pid"), "utf8")).toMatch(`process ${child.pid}`);
  const unlock = await lockDataDir(dir);
  expect(await readFile(join(dir, "gateway.pid"), "utf8")).toMatch(`process ${process.pid}`);
  await unlock();
});

// In a container every gateway is process 1, and after a restart of the machine any program can have that number.
test.each([process.pid, process.ppid, 1])(
  "files that a process %i left behind do not block the next one",
  async (pid) => {
    await writeFile(join(dir, "gateway.pid"), `process ${pid} on host\n`);
    await writeFile(join(dir, "gateway.lock"), "");
    await (await lockDataDir(dir))();
  },
);

test("of four processes that open the folder of a killed one, exactly one succeeds", async () => {
  const { child } = await tryInAnotherProcess();
  child.kill("SIGKILL");
  await once(child, "close");
  const tries = await Promise.all(Array.from({ length: 4 }, tryInAnotherProcess));
  expect(tries.filter(({ said }) => said === "held")).toHaveLength(1);
});

test("only the empty lock file remains", async () => {
  await (await lockDataDir(dir))();
  expect(await readdir(dir)).toEqual(["gateway.lock"]);
  expect(await readFile(join(dir, "gateway.lock"), "utf8")).toBe("");
});
