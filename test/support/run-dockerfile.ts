import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { buildContext, type Instruction, parseDockerfile } from "./dockerfile.ts";

export interface BuiltImage {
  /** The working directory of the image, as a folder of this machine. */
  readonly workdir: string;
  /** What ENV says. */
  readonly env: Readonly<Record<string, string>>;
}

/** Each stage by its name, and the last one as `image`. */
export interface BuiltStages {
  readonly image: BuiltImage;
  stage(name: string): BuiltImage;
}

interface StageState {
  readonly root: string;
  workdir: string;
  env: Record<string, string>;
}

const execute = promisify(execFile);

/** Found by PATH: `node` is the Node of the tests, and `npm` the one that started them. */
const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;

/**
 * Runs the Dockerfile of `contextDir` without Docker. Each stage is a folder below `target`, in which RUN, COPY, WORKDIR
 * and ENV work as in a container. The base image is this machine. A step with a path outside its working directory is
 * refused, because it would affect this machine.
 */
export async function runDockerfile(contextDir: string, target: string): Promise<BuiltStages> {
  const stages = parseDockerfile(await readFile(join(contextDir, "Dockerfile"), "utf8"));
  const done = new Map<string, StageState>();
  let last: StageState | undefined;
  for (const [index, { name, from, instructions }] of stages.entries()) {
    last = await startStage(join(target, name || `stage-${index}`), done.get(from));
    for (const instruction of instructions) await carryOut(instruction, last, contextDir, done);
    done.set(name, last);
  }
  if (last === undefined) throw new Error("The Dockerfile has no stage.");
  return { image: builtFrom(last), stage: (name) => builtFrom(stageOf(done, name)) };
}

function builtFrom({ root, workdir, env }: StageState): BuiltImage {
  return { workdir: join(root, workdir), env };
}

function stageOf(done: ReadonlyMap<string, StageState>, name: string): StageState {
  const stage = done.get(name);
  if (stage === undefined) throw new Error(`The Dockerfile has no stage ${name}.`);
  return stage;
}

async function startStage(root: string, from: StageState | undefined): Promise<StageState> {
  await mkdir(root, { recursive: true });
  if (from !== undefined) await cp(from.root, root, { recursive: true });
  return { root, workdir: from?.workdir ?? "/", env: { ...from?.env } };
}

async function carryOut(
  { keyword, flags, text }: Instruction,
  stage: StageState,
  contextDir: string,
  done: ReadonlyMap<string, StageState>,
): Promise<void> {
  const here = join(stage.root, stage.workdir);
  switch (keyword) {
    case "WORKDIR":
      stage.workdir = text;
      await mkdir(join(stage.root, text), { recursive: true });
      return;
    case "ENV": {
      const [name = "", value = ""] = text.split("=");
      stage.env[name] = value;
      return;
    }
    case "COPY": {
      const sources = text.split(/\s+/);
      const to = join(here, sources.pop() ?? "");
      if (flags["from"] === undefined) return copyFromContext(contextDir, sources, to);
      const other = stageOf(done, flags["from"]);
      // Links the files, of which the packages have thousands.
      for (const source of sources) await execute("cp", ["-Rl", join(other.root, source), to]);
      return;
    }
    case "RUN":
      return run(contextDir, text, here, stage.env);
    default:
      // USER, HEALTHCHECK and CMD change nothing about the files.
      return;
  }
}

/** Copies a folder's contents into the target, as Docker does. Files keep their names in a target with a final slash. */
async function copyFromContext(contextDir: string, sources: readonly string[], to: string): Promise<void> {
  const files = buildContext(contextDir);
  for (const source of sources) {
    const taken = files.filter((file) => file === source || file.startsWith(`${source}/`));
    if (taken.length === 0) throw new Error(`COPY ${source}: the build's context has no such file.`);
    for (const file of taken) {
      const within = file === source ? source : file.slice(source.length + 1);
      await cp(join(contextDir, file), join(to, within));
    }
  }
}

/**
 * Uses the checkout's node_modules instead of a full installation, which takes a minute and 800 MB for the same result.
 * The installation of the runtime packages checks package-lock.json as a whole. A build begins with the checkout's
 * output. It builds the parts whose inputs differ in the image, for example because no step copies a file.
 */
async function run(
  contextDir: string,
  command: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  if (/(^|[\s=])(\/|~|\.\.)/.test(command)) throw new Error(`RUN ${command}: a path outside the image.`);
  if (/^npm ci\b(?!.*--omit)/.test(command)) {
    await symlink(join(contextDir, "node_modules"), join(cwd, "node_modules"));
    return;
  }
  // npm's cache stands for the cache mount; a package that is in it is not asked for again.
  const npm = { npm_config_prefer_offline: "true", npm_config_update_notifier: "false" };
  if (/\bnpm run build\b/.test(command)) {
    // A build finds no compile cache. The gateway of the checkout has written it.
    const filter = (path: string): boolean => basename(path) !== ".compile-cache";
    await cp(join(contextDir, "dist"), join(cwd, "dist"), { recursive: true, filter });
  }
  try {
    await execute("sh", ["-c", command], {
      cwd,
      env: { PATH, HOME: process.env["HOME"], ...npm, ...env },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`RUN ${command} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
