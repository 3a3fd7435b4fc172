import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./temporary-folder.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Packs the client as `npm run client:pack` does. Returns the file, which is deleted after the test or the test file. */
export async function packClient(): Promise<string> {
  const { path: folder } = await temporaryFolder();
  return (await runNode([join(root, "scripts/pack-client.ts"), folder], root)).trim();
}

/** Creates a consumer's folder with the packed client and the named packages only. */
export async function installClient(tarball: string, ...packages: readonly string[]) {
  const folder = await temporaryFolder();
  const installed = folder.at("node_modules/cam-mfa-gateway");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
  for (const name of packages) {
    const link = folder.at(`node_modules/${name}`);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, "node_modules", name), link);
  }
  return {
    ...folder,
    installed,
    /** What a program there prints. */
    runNode: (...args: readonly string[]) => runNode(args, folder.path),
    /** What the compiler has to say about a file there; empty where it is content. */
    compile: (file: string, ...options: readonly string[]) => compile(folder.path, file, options),
  };
}

async function runNode(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await run(process.execPath, args, { cwd, env: { PATH: process.env["PATH"] } });
  return stdout;
}

async function compile(cwd: string, file: string, options: readonly string[]): Promise<string> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const strict = [
    "--strict",
    "--noEmit",
    "--exactOptionalPropertyTypes",
    "--target",
    "es2022",
    "--pretty",
    "false",
  ];
  return runNode([tsc, ...strict, ...options, file], cwd).catch(({ stdout }: { stdout: string }) => stdout);
}
