import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { ANONYMOUS, type Caller } from "../auth/caller.ts";

/** Long enough that a page may load much in one burst. */
const WINDOW_SECONDS = 10;

/** Limits how much one caller may ask of this process. CAM's own limits are in src/quota. */
export class CallerRate {
  readonly #limiter: RateLimiterMemory | undefined;
  readonly #maxPoints: number;

  /** @param perSecond Requests on average over ten seconds; 0 for no limit. */
  constructor(perSecond: number) {
    const points = perSecond * WINDOW_SECONDS;
    // A caller may always send one request, however expensive it is.
    this.#maxPoints = Math.max(1, Math.floor(points / 2));
    if (points > 0) this.#limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  }

  /**
   * Counts a request.
   *
   * @param points The cost, in small requests.
   * @returns how many milliseconds the caller must wait, or undefined where the gateway may answer.
   */
  async count(key: string, points = 1): Promise<number | undefined> {
    try {
      await this.#limiter?.consume(key, Math.min(Math.floor(points), this.#maxPoints));
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext;
      throw refusal;
    }
  }

  /** Returns how many milliseconds a caller without points must wait. Counts nothing. */
  async waitOf(key: string): Promise<number | undefined> {
    const counted = await this.#limiter?.get(key);
    return counted && counted.remainingPoints <= 0 ? counted.msBeforeNext : undefined;
  }
}

/** The key that a request counts under. */
export interface Payer {
  readonly key: string;
  /** The part of a request's cost that counts. */
  readonly share: number;
}

/** Returns the payer of a request. An anonymous caller pays in full for its address; an operator can ask a known caller to stop. */
export function payerOf(caller: Caller, remoteAddress: string | undefined): Payer {
  return caller === ANONYMOUS
    ? { key: `anonymous at ${addressKey(remoteAddress)}`, share: 1 }
    : { key: `${caller.issuer ?? ""} ${caller.subject}`, share: 1 / 4 };
}

/** Parsing this much JSON costs as much as one small request. */
const BYTES_PER_POINT = 10_000;

/** A router's request for the schema is smaller. */
const SMALL_BYTES = 4_096;

/** Returns the points for the size of a request. A chunked request does not announce it: then the bytes received count. */
export function bytesPoints({ headers, raw: { socket } }: FastifyRequest, bytesBefore: number): number {
  const announced = headers["content-length"];
  return (announced === undefined ? socket.bytesRead - bytesBefore : Number(announced)) / BYTES_PER_POINT;
}

/** Returns whether to read the request of a caller without points: a small one may be a router that asks for the schema. */
export function isSmall({ method, headers, url }: FastifyRequest): boolean {
  if (method === "GET") return url.length <= SMALL_BYTES;
  return Number(headers["content-length"] ?? Number.NaN) <= SMALL_BYTES;
}

/** Returns whether a request looks like a router's request for the schema, which counts under a key of its own. */
export function seemsToAskForService({ method, url, body }: FastifyRequest): boolean {
  const text = method === "GET" ? url : (body as { readonly query?: unknown } | null)?.query;
  return typeof text === "string" && text.length <= SMALL_BYTES && text.includes("_service");
}

/**
 * Returns the part of an address that belongs to one client: the IPv4 address, also where it is written as IPv6, or the
 * /64 network of an IPv6 address, because a client owns its whole network.
 */
export function addressKey(address = ""): string {
  const [plain = ""] = address.split("%", 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(plain) !== 6) return plain;
  const [head = [], tail] = plain.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - head.length - tail.length }, () => "0");
  const network = [...head, ...zeros, ...(tail ?? [])].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
