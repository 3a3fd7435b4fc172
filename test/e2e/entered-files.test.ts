import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { buildGateway } from "../support/gateway-process.ts";

const PROGRAM = fileURLToPath(new URL("../support/count-entered-files.ts", import.meta.url));

/**
 * Review a new file on the path of a change, then update the list: `npx vitest run test/e2e/entered-files.test.ts -u`.
 */
test("one setSubUserMfa in local mode enters the files of the list, and no other", async () => {
  await buildGateway();
  // V8 counts functions from a cache imprecisely.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { env });
  const files = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as string[];
  await expect(`${files.join("\n")}\n`).toMatchFileSnapshot("entered-files.txt");
});
