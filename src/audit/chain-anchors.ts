import { constants } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Report } from "../telemetry/log-events.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import { type ChainHead, type ChainPlace, LEGACY, placeShape } from "./chain.ts";

/** The name of the chain `legacy` in anchor files. Earlier releases had no other chain. */
export const LEGACY_ANCHOR = "record";

interface ChainAnchorsOptions {
  /** Undefined keeps the places in memory only. */
  readonly file: string | undefined;
  /** Receives one event if another process writes the file. */
  readonly report?: Report;
}

/**
 * The highest place of each chain that this replica has signed, in memory and in a file that outlives the process. The
 * owner of the database can rewrite the record and its checkpoints, but not these anchors.
 */
export class ChainAnchors {
  readonly #options: ChainAnchorsOptions;
  readonly #kept = new Map<string, ChainPlace>();
  /** The text of the file when this process last read or wrote it. */
  #seen: Places | undefined;
  #isShared = false;

  private constructor(options: ChainAnchorsOptions) {
    this.#options = options;
  }

  /** Reads the file, and writes it once to test that it is writable. @throws AnchorFileError */
  static async open(options: ChainAnchorsOptions): Promise<ChainAnchors> {
    const anchors = new ChainAnchors(options);
    if (options.file !== undefined) await anchors.#write(options.file, await readAnchorFile(options.file));
    return anchors;
  }

  /** Returns the places that the record must contain: those in memory and in the file. @throws AnchorFileError */
  async placesOf(chain: string): Promise<readonly ChainPlace[]> {
    const places = [this.#kept.get(chain), (await this.#readFile()).get(chain)];
    return places.filter((place) => place !== undefined);
  }

  /** Keeps a place, in the file first. It must be at least as high as the earlier places. @throws AnchorFileError */
  async keep(chain: string, place: ChainPlace): Promise<void> {
    const { file } = this.#options;
    if (file !== undefined) {
      const places = await this.#readFile();
      const before = places.get(chain);
      if (before === undefined || before.seq < place.seq) {
        await this.#write(file, new Map([...places, [chain, { seq: place.seq, hash: place.hash }]]));
      }
    }
    this.#kept.set(chain, place);
  }

  async #readFile(): Promise<Places> {
    const { file, report } = this.#options;
    if (file === undefined) return new Map();
    const places = await readAnchorFile(file);
    if (this.#seen !== undefined && !isSame(places, this.#seen) && !this.#isShared) {
      this.#isShared = true;
      report?.("record.anchor_shared", { file });
    }
    this.#seen = places;
    return places;
  }

  async #write(file: string, places: Places): Promise<void> {
    await writeAnchorFile(file, places);
    this.#seen = places;
  }
}

function isSame(one: Places, other: Places): boolean {
  return (
    one.size === other.size &&
    [...one].every(([chain, { seq, hash }]) => {
      const place = other.get(chain);
      return place?.seq === seq && place.hash === hash;
    })
  );
}

/** The anchor file is unusable. The message names the file and says what to do. */
export class AnchorFileError extends Error {
  override readonly name = "AnchorFileError";
}

/** Places by the name of their chain. */
type Places = ReadonlyMap<string, ChainPlace>;

const shape = z.strictObject({ chains: z.record(z.string(), placeShape) });

/** Returns the places in an anchor file, or none if the file is missing. @throws AnchorFileError */
export async function readAnchorFile(file: string): Promise<Places> {
  const text = await readUtf8File(file).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AnchorFileError(`The anchor file ${file} ${whyUnreadable(cause)}.`, { cause });
  });
  if (text === undefined) return new Map();
  const places = parseAnchors(text);
  if (places !== undefined) return places;
  throw new AnchorFileError(
    `The anchor file ${file} is damaged, or is not an anchor file. Verify the record with ` +
      "audit verify --expect, then move the file away.",
  );
}

/** Returns the places of an anchor file, with the names that chains have elsewhere. */
export function headsOf(anchors: Places): readonly ChainHead[] {
  return [...anchors].map(([name, place]) => ({ chain: name === LEGACY_ANCHOR ? LEGACY : name, ...place }));
}

/** Returns the places in the text of an anchor file, or undefined for any other text. */
export function parseAnchors(text: string): Places | undefined {
  try {
    return new Map(Object.entries(shape.parse(JSON.parse(text)).chains));
  } catch {
    return undefined;
  }
}

/** Checks, without writing, that the file is readable and its folder writable. @throws AnchorFileError */
export async function checkAnchorFile(file: string): Promise<void> {
  await readAnchorFile(file);
  await access(dirname(file), constants.W_OK).catch((cause: unknown) => {
    throw cannotWrite(file, cause);
  });
}

/**
 * Replaces the whole file, so that a crash leaves the old text or the new one. Resolves when the text is on the disk.
 * @throws AnchorFileError
 */
export async function writeAnchorFile(file: string, places: Places): Promise<void> {
  const text = `${JSON.stringify({ chains: Object.fromEntries(places) })}\n`;
  // The name differs by process, in case two replicas share the file by mistake.
  const unfinished = `${file}.${process.pid}.unfinished`;
  try {
    await writeDurably(unfinished, text);
    await rename(unfinished, file);
    await syncFolder(dirname(file));
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw cannotWrite(file, cause);
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Syncs the folder, so that the rename survives a power cut. Windows cannot open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function cannotWrite(file: string, cause: unknown): AnchorFileError {
  const { code } = cause as NodeJS.ErrnoException;
  return new AnchorFileError(
    `The anchor file ${file} cannot be written (${code}). Its folder has to be writable, and the file must not be ` +
      "mounted by itself.",
    { cause },
  );
}
