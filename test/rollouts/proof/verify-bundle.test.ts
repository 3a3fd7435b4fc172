import { describe, expect, test } from "vitest";
import { type BundleReport, verifyBundle } from "../../../src/rollouts/proof/verify-bundle.ts";
import { newSigningKey } from "../../audit/make-chain.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { makeBundle } from "./make-bundle.ts";

const folder = await temporaryFolder();
const good = makeBundle();
const bytes = Buffer.from(textOf(good.lines));

function textOf(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

async function verify(
  bundle: string | Uint8Array,
  trustedKeys: readonly string[] | undefined = [good.key.encoded],
): Promise<BundleReport> {
  return verifyBundle({ file: await folder.write("bundle.jsonl", bundle), trustedKeys });
}

describe("a bundle as it was written", () => {
  test("proves the sealed facts, and lists the users who were read otherwise than sent", async () => {
    expect(await verify(bytes)).toEqual({
      seal: good.seal,
      differences: [expect.objectContaining({ item: 1, opUin: "100021969001" })],
      signed: expect.objectContaining({ number: 1, publicKey: good.key.encoded }),
      problem: undefined,
    });
  });

  test("shows only the records of the rollout", () => {
    const records = good.lines.filter((line) => line.startsWith('{"chain"'));
    expect(records.filter((line) => line.includes('"content"'))).toHaveLength(16 + 4 + 1);
    expect(records.filter((line) => line.includes('"digest"')).length).toBeGreaterThan(8);
    expect(textOf(good.lines)).not.toContain("callerSubject");
  });

  test("verifies without a key, but not with another one, nor with a key and no signature", async () => {
    expect((await verifyBundle({ file: folder.at("bundle.jsonl"), trustedKeys: undefined })).problem).toBe(
      undefined,
    );
    expect((await verify(bytes, [newSigningKey().encoded])).problem).toMatch(/is signed with the key/);
    const unsigned = textOf(makeBundle({ isSigned: false }).lines);
    expect((await verify(unsigned)).problem).toBe("no checkpoint signs it, so the key proves nothing");
  });
});

test("200 of 200 damaged bundles fail: a flipped bit anywhere, a missing item, a missing line", async () => {
  const flips = Array.from({ length: 140 }, (_, at) => {
    const damaged = Buffer.from(bytes);
    const place = Math.floor((at * bytes.length) / 140);
    damaged.writeUInt8(bytes.readUInt8(place) ^ (1 << (at % 7)), place);
    return damaged;
  });
  const without = (line: number) => Buffer.from(textOf(good.lines.toSpliced(line, 1)));
  const items = Array.from({ length: 24 }, (_, at) => without(at + 1));
  const others = Array.from({ length: 36 }, (_, at) => without(good.lines.length - 1 - at));
  const damaged = [...flips, ...items, ...others];
  expect(damaged).toHaveLength(200);
  const undetected: number[] = [];
  for (const [at, bundle] of damaged.entries()) {
    const { problem, seal } = await verify(bundle);
    if (problem === undefined || seal !== undefined) undetected.push(at);
  }
  expect(undetected).toEqual([]);
});

describe("a forged bundle is refused", () => {
  test.each([
    ["that is empty", "", "the first line is not that of a rollout's bundle"],
    [
      "that is an export of the record",
      textOf(good.lines.slice(25)),
      "the first line is not that of a rollout's bundle",
    ],
    [
      "whose first line counts without the last item",
      textOf([
        good.lines[0]?.replace('"items":24', '"items":23') ?? "",
        ...good.lines.slice(1, 24),
        ...good.lines.slice(25),
      ]),
      "the items differ from those sealed at the end of the rollout",
    ],
    [
      "with an item that claims success",
      textOf(makeBundle({ item: (item) => (item.item === 5 ? { ...item, state: "applied" } : item) }).lines),
      "item 5 differs from its change, record 6 of account:default",
    ],
    [
      "with another user's change",
      textOf(makeBundle({ item: (item) => (item.item === 7 ? { ...item, opUin: "1" } : item) }).lines),
      "item 7 differs from its change, record 7 of account:default",
    ],
    [
      "with other flags",
      textOf(makeBundle({ item: (item) => (item.item === 7 ? { ...item, sent: {} } : item) }).lines),
      "item 7 differs from its change, record 7 of account:default",
    ],
    [
      "with another read after the run",
      textOf(makeBundle({ item: (item) => ({ ...item, ...(item.after && { after: item.before }) }) }).lines),
      "the items differ from those sealed at the end of the rollout",
    ],
    [
      "whose changes were refused",
      textOf(makeBundle({ status: () => "refused" }).lines),
      "item 1 differs from its change, record 3 of account:default",
    ],
    [
      "whose items are not those that were approved",
      textOf(makeBundle({ planned: (item) => ({ ...item, wave: item.wave && 1 }) }).lines),
      "the items or the terms of the plan do not have the sealed hash of the plan",
    ],
    [
      "with a state that the plan did not show",
      textOf(
        makeBundle({ planned: (item) => (item.item === 3 ? { ...item, plannedState: "at_risk" } : item) })
          .lines,
      ),
      "the items or the terms of the plan do not have the sealed hash of the plan",
    ],
    [
      "with another error budget",
      textOf(makeBundle({ terms: { maxFailures: 0 } }).lines),
      "the items or the terms of the plan do not have the sealed hash of the plan",
    ],
    [
      "with the seal of another plan",
      textOf(makeBundle({ seal: (seal) => ({ ...seal, planHash: "0".repeat(64) }) }).lines),
      "a change was made by another plan than the sealed one",
    ],
    [
      "with the seal of another rollout",
      textOf(makeBundle({ seal: (seal) => ({ ...seal, rolloutId: crypto.randomUUID() }) }).lines),
      "record 3 of gateway is not the seal of this rollout",
    ],
  ])("%s", async (_name, bundle, problem) => {
    const file = await folder.write("forged.jsonl", bundle);
    expect((await verifyBundle({ file, trustedKeys: undefined })).problem).toBe(problem);
  });
});
