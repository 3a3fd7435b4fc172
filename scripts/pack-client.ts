/**
 * Packs the client as an npm package: `npm run client:pack [folder]`, by default into dist. It has the name and the
 * exports of the gateway's package and no dependencies, so that a portal does not install a server. It compiles without
 * Node's types, so that it runs in a browser.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? join(root, "dist"));
const run = promisify(execFile);
const SCHEMA = "schema/error-extensions.schema.json";

async function fillPackage(folder: string): Promise<void> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", "tsconfig.client.json", "--outDir", join(folder, "dist/modules")], {
    cwd: root,
  });
  const { name, version, license, type, exports } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  );
  const description = "The typed client of the CAM MFA gateway, for browsers and Node.";
  const manifest = { name, version, description, license, type, exports, sideEffects: false };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(join(root, "LICENSE"), join(folder, "LICENSE"));
  const page = await readFile(join(root, "docs/consumers/client.md"), "utf8");
  await writeFile(join(folder, "README.md"), page.replaceAll("](../errors.md", "](errors.md"));
  const others = await readFile(join(root, "docs/consumers/other-clients.md"), "utf8");
  await writeFile(join(folder, "other-clients.md"), others.replaceAll("](client.md", "](README.md"));
  // The package has the pages and the schema in one folder.
  const errors = await readFile(join(root, "docs/errors.md"), "utf8");
  await writeFile(join(folder, "errors.md"), errors.replaceAll("](../schema/", "](schema/"));
  await mkdir(join(folder, "schema"));
  await copyFile(join(root, SCHEMA), join(folder, SCHEMA));
}

const staging = await mkdtemp(join(tmpdir(), "client-package-"));
try {
  await fillPackage(staging);
  await mkdir(target, { recursive: true });
  const { stdout } = await run("npm", ["pack", "--pack-destination", target], { cwd: staging });
  console.log(join(target, stdout.trim()));
} finally {
  await rm(staging, { recursive: true });
}
