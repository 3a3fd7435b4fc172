import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLogger } from "../../src/telemetry/logger.ts";
import { LeakFinder } from "../support/leaks/find-leaks.ts";
import { searchFolder } from "../support/leaks/global-setup.ts";
import { createKey, signUnkept } from "../support/start-issuer.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A secret with all characters that encodings change. */
const SECRET = 'Gx/7+"é\\ %Zq&k=3vR8w';
const PLAIN = "PlainSecretKey0123456789";
const finder = new LeakFinder([
  ["odd", SECRET],
  ["plain", PLAIN],
]);

function leaksIn(text: string): readonly string[] {
  return finder.find(Buffer.from(text)).map(({ secret }) => secret);
}

const inJson = JSON.stringify({ a: SECRET });

test.each<readonly [string, string]>([
  ["as it is", `the key is ${SECRET}.`],
  ["at the very beginning", SECRET],
  ["at the very end", `x${SECRET}`],
  ["in JSON", inJson],
  ["in JSON in JSON, as an answer in a log line", JSON.stringify({ body: inJson })],
  ["in an address", `https://example.com/?key=${encodeURIComponent(SECRET)}`],
  ["in a form", String(new URLSearchParams({ key: SECRET }))],
  ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
  ["in capital hexadecimal", Buffer.from(SECRET).toString("hex").toUpperCase()],
  ...["", "a", "ab"].flatMap((before) =>
    (["base64", "base64url"] as const).map(
      (encoding) =>
        [
          `in ${encoding} behind ${before.length} letters`,
          Buffer.from(`${before}${SECRET} and more`).toString(encoding),
        ] as const,
    ),
  ),
  ["as a password in an Authorization header", `Basic ${Buffer.from(`alice:${SECRET}`).toString("base64")}`],
  ["in the middle of much else", `${"x".repeat(100_000)}${SECRET}${"y".repeat(100_000)}`],
])("a secret is found %s", (_where, text) => {
  expect(leaksIn(text)).toContain("odd");
});

test("each occurrence of a secret is found, and no other text", () => {
  expect(leaksIn(`${PLAIN}\n${SECRET}\n${PLAIN}${PLAIN}`)).toEqual(["plain", "odd", "plain", "plain"]);
  expect(leaksIn(`${PLAIN.slice(0, -1)} ${PLAIN.toLowerCase()} ${SECRET.slice(1)}`)).toEqual([]);
});

test("tokens, signatures and private keys are found by their shape", async () => {
  const token = await signUnkept({ sub: "alice" }, { alg: "RS256" }, await createKey("key"));
  const authorization = `TC3-HMAC-SHA256 Credential=AKIDX/2026-01-01/cam/tc3_request, SignedHeaders=host, Signature=${"0f".repeat(32)}`;
  const log = `{"headers":{"a":"Bearer ${token}","b":"${authorization}","c":"-----BEGIN EC PRIVATE KEY-----"}}`;
  expect(leaksIn(log)).toEqual(["a signed token", "a signature for CAM", "a private key"]);
});

test("a hit in a folder has file and line; keys that the emulator prints on purpose are not hits", async () => {
  const { path: folder } = await temporaryFolder();
  await writeFile(join(folder, "secrets.1.jsonl"), `${JSON.stringify(["the key", PLAIN])}\n`);
  await writeFile(join(folder, "logs.1.txt"), `fine\nfine\n{"key":"${PLAIN}"}\n`);
  await writeFile(
    join(folder, "stdout-of-7.1.txt"),
    "  SecretKey  LocalExampleSecretKey\nemulator  |   SecretKey  LocalExampleSecretKey\nSigned with LocalExampleSecretKey\n",
  );
  const { summary, hits } = await searchFolder(folder);
  expect(hits.toSorted()).toEqual([
    "  LocalExampleSecretKey in stdout-of-7.1.txt, line 3",
    "  the key in logs.1.txt, line 3",
  ]);
  expect(summary).toMatch(
    /^Searched .* 6 lines \(\d+ bytes in 2 files\) for 5 secrets .*: 2 hits\. The emulator printed its example keys 2 /,
  );
});

test("a logger that receives secrets writes none of them", () => {
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    destination: { write: (line) => lines.push(line) },
  }).forLibrary("test");
  logger.info({ headers: { authorization: SECRET, "x-tc-token": PLAIN } }, "a foreign object");
  expect(leaksIn(lines.join(""))).toEqual([]);
  logger.info({ note: SECRET }, "an unexpected place");
  expect(leaksIn(lines.join(""))).toEqual(["odd"]);
});
