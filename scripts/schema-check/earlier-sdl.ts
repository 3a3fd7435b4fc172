import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

export const SDL_PATH = "schema/subgraph.graphql";

export type EarlierSdl =
  | { readonly kind: "found"; readonly name: string; readonly sdl: string }
  | { readonly kind: "none"; readonly reason: string };

export interface EarlierSdlOptions {
  readonly root: string;
  /** The present SDL. */
  readonly sdl: string;
  /** A file or a commit. */
  readonly against: string | undefined;
}

/**
 * Returns the earlier SDL. Without `against`, that is the version of the last commit with another SDL. So the check
 * works both before a commit and in CI.
 */
export async function findEarlierSdl({ root, sdl, against }: EarlierSdlOptions): Promise<EarlierSdl> {
  if (against !== undefined) return (await readFileAt(against)) ?? readCommit(root, against);
  const commits = await git(root, ["log", "-2", "--format=%h", "--", SDL_PATH]);
  if (commits === undefined) return { kind: "none", reason: "this is not a git repository" };
  for (const commit of commits.split("\n").filter((line) => line !== "")) {
    const earlier = await readCommit(root, commit);
    if (earlier.kind === "found" && earlier.sdl !== sdl) return earlier;
  }
  return { kind: "none", reason: `no commit here has another ${SDL_PATH}` };
}

async function readFileAt(path: string): Promise<EarlierSdl | undefined> {
  try {
    return { kind: "found", name: path, sdl: await readFile(path, "utf8") };
  } catch {
    return undefined;
  }
}

async function readCommit(root: string, commit: string): Promise<EarlierSdl> {
  const sdl = await git(root, ["show", `${commit}:${SDL_PATH}`]);
  return sdl === undefined
    ? { kind: "none", reason: `${commit} is neither a file nor a commit that has ${SDL_PATH}` }
    : { kind: "found", name: `commit ${commit}`, sdl };
}

/** Returns git's output, or undefined if git is missing or fails. */
async function git(root: string, argv: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("git", argv, { cwd: root, maxBuffer: 10_000_000 });
    return stdout;
  } catch {
    return undefined;
  }
}
