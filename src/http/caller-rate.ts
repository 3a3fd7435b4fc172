import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { ANONYMOUS, type Caller } from "../auth/caller.ts";

/** Long enough that a page which loads much at once is not refused for it. */
const WINDOW_SECONDS = 10;

/** How much one caller may ask of this process; CAM's own limits are shared and kept elsewhere (src/quota). */
export class CallerRate {
  readonly #limiter: RateLimiterMemory | undefined;
  readonly #most: number;

  /** @param perSecond Requests, on average over ten seconds; 0 for any number. */
  constructor(perSecond: number) {
    const points = perSecond * WINDOW_SECONDS;
    // However dear a request is, a caller may send one.
    this.#most = Math.max(1, Math.floor(points / 2));
    if (points > 0) this.#limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  }

  /**
   * Counts a request.
   *
   * @param points How many small requests it stands for.
   * @returns in how many milliseconds the caller may come again; undefined where the request may be answered.
   */
  async count(caller: string, points = 1): Promise<number | undefined> {
    try {
      await this.#limiter?.consume(caller, Math.min(Math.floor(points), this.#most));
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext;
      throw refusal;
    }
  }

  /** The same answer for a caller who has nothing left, without counting. */
  async waitOf(caller: string): Promise<number | undefined> {
    const counted = await this.#limiter?.get(caller);
    return counted && counted.remainingPoints <= 0 ? counted.msBeforeNext : undefined;
  }
}

/**
 * Returns the part of an address that belongs to one client: an IPv4 address, also where it is written as IPv6, or the
 * /64 network of an IPv6 address, of which every client has all addresses.
 */
export function addressKey(address: string): string {
  const [plain = ""] = address.split("%", 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(plain) !== 6) return plain;
  const [head = [], tail] = plain.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - head.length - tail.length }, () => "0");
  const network = [...head, ...zeros, ...(tail ?? [])].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

/** The caller whom a request is counted for. */
export interface Payer {
  readonly key: string;
  /** The part of a request's effort that is counted. */
  readonly share: number;
}

/** A caller without proof has only an address, and pays in full. A known caller can be asked to stop. */
export function payerOf(caller: Caller, remoteAddress: string | undefined): Payer {
  return caller === ANONYMOUS
    ? { key: `anonymous at ${addressKey(remoteAddress ?? "")}`, share: 1 }
    : { key: `${caller.issuer ?? ""} ${caller.subject}`, share: 1 / 4 };
}

/** What parsing so many bytes of JSON takes is counted as one request. */
const BYTES_PER_POINT = 10_000;

/** A router asks for the schema in fewer. */
const SMALL_BYTES = 4_096;

/** Points for the size of a request, of which a chunked one does not say more than how much came in. */
export function bytesPoints({ headers, raw: { socket } }: FastifyRequest, bytesBefore: number): number {
  const announced = headers["content-length"];
  return (announced === undefined ? socket.bytesRead - bytesBefore : Number(announced)) / BYTES_PER_POINT;
}

/** Whether a request is read even where its caller has nothing left: it may be a router that asks for the schema. */
export function isSmall({ method, headers, url }: FastifyRequest): boolean {
  if (method === "GET") return url.length <= SMALL_BYTES;
  return Number(headers["content-length"] ?? Number.NaN) <= SMALL_BYTES;
}

/** Whether a request seems to ask for the schema as a router composes it, which is counted apart. */
export function seemsToAskForService({ method, url, body }: FastifyRequest): boolean {
  const text = method === "GET" ? url : (body as { readonly query?: unknown } | null)?.query;
  return typeof text === "string" && text.length <= SMALL_BYTES && text.includes("_service");
}
