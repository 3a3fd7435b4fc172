import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { ANONYMOUS, type Caller } from "../auth/caller.ts";

/** Long enough for a page that sends many requests in one burst. */
const WINDOW_SECONDS = 10;

/** Limits the requests of each caller to this process. CAM's own limits are in src/quota. */
export class CallerRate {
  readonly #limiter: RateLimiterMemory | undefined;
  readonly #maxPoints: number;

  /** @param perSecond The permitted small requests a second, on average over ten seconds. 0 sets no limit. */
  constructor(perSecond: number) {
    const points = perSecond * WINDOW_SECONDS;
    // A caller without earlier requests may send any request, regardless of its cost.
    this.#maxPoints = Math.max(1, Math.floor(points / 2));
    if (points > 0) this.#limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  }

  /**
   * Counts a request.
   *
   * @param points The cost, in small requests.
   * @returns the milliseconds that the caller must wait, or undefined if the gateway may answer.
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

  /** Returns the milliseconds that a caller without points must wait, or undefined. Counts nothing. */
  async msUntilAllowed(key: string): Promise<number | undefined> {
    const counted = await this.#limiter?.get(key);
    return counted && counted.remainingPoints <= 0 ? counted.msBeforeNext : undefined;
  }
}

/** The key under which the gateway counts a request, and the counted share of its cost. */
export interface Payer {
  readonly key: string;
  /** The part of a request's cost that counts. */
  readonly share: number;
}

/**
 * Returns the payer of a request. An anonymous caller pays the full cost, under its address. A known caller pays a
 * quarter, because an operator can ask it to stop.
 */
export function payerOf(caller: Caller, remoteAddress: string | undefined): Payer {
  return caller === ANONYMOUS
    ? { key: `anonymous at ${addressKey(remoteAddress)}`, share: 1 }
    : { key: `${caller.issuer ?? ""} ${caller.subject}`, share: 1 / 4 };
}

/** Parsing this much JSON costs as much as one small request. */
const BYTES_PER_POINT = 10_000;

/** The most bytes of a small request. A router's request for the schema is smaller. */
const SMALL_BYTES = 4_096;

/** Returns the points for the size of a request. For a chunked request without a length, counts the received bytes. */
export function pointsForSize({ headers, raw: { socket } }: FastifyRequest, bytesBefore: number): number {
  const announced = headers["content-length"];
  return (announced === undefined ? socket.bytesRead - bytesBefore : Number(announced)) / BYTES_PER_POINT;
}

/**
 * Returns whether a request is small. The gateway reads small requests of callers without points, because a router may
 * request the schema.
 */
export function isSmall({ method, headers, url }: FastifyRequest): boolean {
  if (method === "GET") return url.length <= SMALL_BYTES;
  return Number(headers["content-length"] ?? Number.NaN) <= SMALL_BYTES;
}

/**
 * Returns whether a request looks like a router's request for the schema, which the gateway counts under its own key.
 */
export function looksLikeSchemaRequest({ method, url, body }: FastifyRequest): boolean {
  const text = method === "GET" ? url : (body as { readonly query?: unknown } | null)?.query;
  return typeof text === "string" && text.length <= SMALL_BYTES && text.includes("_service");
}

/**
 * Returns the part of an address that belongs to one client. For IPv4, also in its IPv6 form, this is the whole
 * address. For IPv6, it is the /64 network, because a client owns its whole network.
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
