import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sendRaw } from "./send-raw.ts";
import { startEmulator } from "./start-emulator.ts";

const VECTORS = new URL("../vectors/clients/", import.meta.url);

/** A request as one of the vendor's clients sent it to an emulator, without the headers that no signature covers. */
interface ClientRequest {
  /** The time of the server when the request arrived, in milliseconds. */
  readonly clock: number;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly action: string;
  /** `ok`, or the code of the refusal that the client reported. */
  readonly code: string;
}

const CLIENTS = readdirSync(VECTORS)
  .filter((file) => file.endsWith(".jsonl"))
  .map((file) => ({
    client: file.replace(".jsonl", ""),
    requests: readFileSync(new URL(file, VECTORS), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as ClientRequest),
  }));

describe.each(CLIENTS)("the requests of the vendor's $client client", ({ requests }) => {
  test("get the same answers again, at the time when they were signed", async () => {
    const emulator = await startEmulator({ ratePerSecond: 10_000 });
    emulator.control.putUser({ uin: "9007199254740993", name: "exact", phone: "13800000001" });
    for (const [at, { clock, action, code, ...request }] of requests.entries()) {
      emulator.control.setClock({ frozen: true, atMs: clock });
      const answer = await sendRaw(emulator.url, request);
      const { Response: response } = JSON.parse(answer.body.toString());
      expect(response.Error?.Code ?? "ok", `request ${at + 1}, ${action}`).toBe(code);
    }
  });

  test("are refused once a byte of what is signed differs", async () => {
    const emulator = await startEmulator({ ratePerSecond: 10_000 });
    const accepted = requests.filter(({ code }) => code === "ok");
    expect(accepted.length).toBeGreaterThan(0);
    for (const { clock, action, code: _, ...request } of accepted) {
      emulator.control.setClock({ frozen: true, atMs: clock });
      const host = request.headers.map(([name, value]) =>
        name.toLowerCase() === "host" ? ([name, `x${value}`] as const) : ([name, value] as const),
      );
      const answer = await sendRaw(emulator.url, { ...request, headers: host });
      expect(JSON.parse(answer.body.toString()).Response.Error?.Code, action).toBe(
        "AuthFailure.SignatureFailure",
      );
    }
  });
});

test("the vectors hold each signature scheme by POST and GET, and an unsigned payload", () => {
  const schemeOf = ({ method, target, headers, body }: ClientRequest) => {
    const isUnsigned = headers.some(([, value]) => value === "UNSIGNED-PAYLOAD");
    const v1 = /SignatureMethod=(\w+)/.exec(target + body)?.[1];
    return `${v1 ?? "TC3-HMAC-SHA256"} ${method}${isUnsigned ? " unsigned" : ""}`;
  };
  for (const { client, requests } of CLIENTS) {
    const schemes = [...new Set(requests.map(schemeOf))].toSorted();
    expect(schemes, client).toEqual(client.match(/tccli|terraform/) ? ["TC3-HMAC-SHA256 POST"] : SDK_SCHEMES);
  }
});

const SDK_SCHEMES = [
  "HmacSHA1 GET",
  "HmacSHA1 POST",
  "HmacSHA256 GET",
  "HmacSHA256 POST",
  "TC3-HMAC-SHA256 GET",
  "TC3-HMAC-SHA256 GET unsigned",
  "TC3-HMAC-SHA256 POST",
  "TC3-HMAC-SHA256 POST unsigned",
];
