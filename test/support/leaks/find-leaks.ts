import { SHORTEST_SECRET } from "./written.ts";

interface Leak {
  /** What leaked: the name of a secret, or the shape that only a secret has. */
  readonly secret: string;
  readonly offset: number;
}

/** Shapes of secrets. */
const SHAPES: readonly (readonly [name: string, shape: RegExp])[] = [
  ["a signed token", /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g],
  ["a signature for CAM", /Signature=[0-9a-f]{64}/g],
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/g],
];

const BASE = 0x01000193;
/** The factor of the byte that leaves the window. */
const LEAVING = Array.from({ length: SHORTEST_SECRET }).reduce<number>((power) => Math.imul(power, BASE), 1);

/**
 * Finds many secrets in one pass (Rabin-Karp): moves the hash of a window along the text. The window has the length of
 * the shortest form of a secret.
 */
export class LeakFinder {
  readonly #byHash = new Map<number, { readonly name: string; readonly form: Buffer }[]>();
  /** Whether a hash with these last 16 bits is there at all, which it hardly ever is. */
  readonly #isLikely = new Uint8Array(0x1_0000);

  constructor(secrets: Iterable<readonly [name: string, value: string]>) {
    for (const [name, value] of secrets) {
      for (const text of formsOf(value)) {
        const form = Buffer.from(text, "utf8");
        const hash = hashOf(form);
        this.#isLikely[hash & 0xffff] = 1;
        const same = this.#byHash.get(hash);
        if (same === undefined) this.#byHash.set(hash, [{ name, form }]);
        else same.push({ name, form });
      }
    }
  }

  find(text: Buffer): readonly Leak[] {
    return [...this.#findKnown(text), ...findShapes(text)];
  }

  #findKnown(text: Buffer): readonly Leak[] {
    const leaks: Leak[] = [];
    let hash = 0;
    for (let end = 0; end < text.length; end++) {
      const leaving = end < SHORTEST_SECRET ? 0 : (text[end - SHORTEST_SECRET] as number);
      hash = (Math.imul(hash, BASE) + (text[end] as number) - Math.imul(leaving, LEAVING)) | 0;
      if (this.#isLikely[hash & 0xffff] === 0) continue;
      const offset = end + 1 - SHORTEST_SECRET;
      for (const { name, form } of this.#byHash.get(hash) ?? []) {
        const isThere = text.subarray(offset, offset + form.length).equals(form);
        if (isThere) leaks.push({ secret: name, offset });
      }
    }
    return leaks;
  }
}

function hashOf(form: Buffer): number {
  let hash = 0;
  for (const byte of form.subarray(0, SHORTEST_SECRET)) hash = (Math.imul(hash, BASE) + byte) | 0;
  return hash;
}

function findShapes(text: Buffer): readonly Leak[] {
  const letters = text.toString("latin1");
  return SHAPES.flatMap(([secret, shape]) =>
    [...letters.matchAll(shape)].map(({ index }) => ({ secret, offset: index })),
  );
}

/** Returns the forms of a secret in a text: plain, escaped, encoded, or as a part of an encoded text. */
function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret, "utf8");
  return [
    ...new Set([
      secret,
      json,
      // A JSON text that is a text in another, as in a log line of an answer.
      JSON.stringify(json).slice(1, -1),
      encodeURIComponent(secret),
      new URLSearchParams({ s: secret }).toString().slice(2),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      ...[0, 1, 2].flatMap((offset) => [within(bytes, offset, "base64"), within(bytes, offset, "base64url")]),
    ]),
  ];
}

/** Returns the letters of a base64 text that depend on the secret alone, for its offset modulo three. */
function within(secret: Buffer, offset: number, encoding: "base64" | "base64url"): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), secret])
    .toString(encoding)
    .replace(/=+$/, "");
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + secret.length) * 8) / 6);
  return encoded.slice(first, last);
}
