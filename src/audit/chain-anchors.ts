import { type Places, readAnchorFile, writeAnchorFile } from "./anchor-file.ts";
import type { ChainPlace } from "./chain.ts";

export interface ChainAnchorsOptions {
  /** Undefined keeps the places in memory alone. */
  readonly file: string | undefined;
  /** Told once when another process has written the file. */
  readonly onForeignWrite?: (file: string) => void;
}

/**
 * The highest place of each chain that this replica has signed: in memory, and in a file that outlives the process. An
 * owner of the database can rewrite the record and its checkpoints, and does not reach either.
 */
export class ChainAnchors {
  readonly #options: ChainAnchorsOptions;
  readonly #kept = new Map<string, ChainPlace>();
  /** As this process last read or wrote the file. */
  #seen: Places | undefined;
  #isShared = false;

  private constructor(options: ChainAnchorsOptions) {
    this.#options = options;
  }

  /** Reads the file, and writes it once to prove that it can be written. @throws AnchorFileError */
  static async open(options: ChainAnchorsOptions): Promise<ChainAnchors> {
    const anchors = new ChainAnchors(options);
    if (options.file !== undefined) await anchors.#write(options.file, await readAnchorFile(options.file));
    return anchors;
  }

  /** The places of a chain that the record has to contain: that of memory and that of the file. @throws AnchorFileError */
  async placesOf(chain: string): Promise<readonly ChainPlace[]> {
    const places = [this.#kept.get(chain), (await this.#readFile()).get(chain)];
    return places.filter((place) => place !== undefined);
  }

  /** Keeps a place that is as high as those kept before, in the file first. @throws AnchorFileError */
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
    const { file, onForeignWrite } = this.#options;
    if (file === undefined) return new Map();
    const places = await readAnchorFile(file);
    if (this.#seen !== undefined && !isSame(places, this.#seen) && !this.#isShared) {
      this.#isShared = true;
      onForeignWrite?.(file);
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
