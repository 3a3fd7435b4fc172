import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InputProblems, parseInput } from "../input-problems.ts";
import { type ParsedSeed, seedSchema } from "./seed-schema.ts";

/** Three folders up is the package root, both for src/ and, after the build, for dist/. */
export const DEFAULT_SEED_FILE = fileURLToPath(
  new URL("../../../schema/emulator-seed.json", import.meta.url),
);

export function parseSeed(input: unknown, what = "The seed is not valid"): ParsedSeed {
  return parseInput(seedSchema, input, what);
}

/** Reads, parses and validates a seed file. Every failure is InputProblems that names the file. */
export function loadSeedFile(file: string = DEFAULT_SEED_FILE): ParsedSeed {
  return parseSeed(parseJson(readText(file), file), `The seed file ${file} is not valid`);
}

function readText(file: string): string {
  const bytes = readBytes(file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputProblems(`The seed file ${file} is not UTF-8`, ["Save it as UTF-8."], { cause });
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new InputProblems(`The seed file ${file} cannot be read`, [messageOf(cause)], { cause });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputProblems(`The seed file ${file} is not JSON`, [messageOf(cause)], { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
