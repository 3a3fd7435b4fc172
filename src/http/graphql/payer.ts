import type { FastifyRequest } from "fastify";
import { ANONYMOUS, type Caller } from "../../auth/caller.ts";
import { addressKey } from "../address-key.ts";

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
