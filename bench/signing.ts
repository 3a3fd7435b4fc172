import { fileURLToPath } from "node:url";
import type { SignQuestion, TimeQuestion } from "./contestants/measure-signing.ts";
import type { Bench } from "./support/bench.ts";
import { type Program, startProgram } from "./support/program.ts";
import { measureInTurns, ratioOf } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";

const GATEWAY = "gateway";
const SDK = "official SDK";

export const signing: Bench = {
  name: "signing",
  title: "TC3-HMAC-SHA256 signatures of one SetMfaFlag request, the gateway's signer and the official SDK's",
  async run({ smoke, print }) {
    const [signatures, rounds] = smoke ? [100, 1] : [5_000, 40];
    await using gateway = await startSigner("gateway");
    await using sdk = await startSigner("sdk");
    await refuseDifferentSignatures(gateway, sdk);

    const time = (program: Program) => () =>
      program.ask<number>({ kind: "time", signatures } satisfies TimeQuestion);
    const contestants = [
      { name: SDK, measure: time(sdk) },
      { name: GATEWAY, measure: time(gateway) },
    ];
    // Warm up: V8 has not compiled the code before the first round.
    await measureInTurns(contestants, 1);
    const series = await measureInTurns(contestants, rounds);
    for (const one of series) print(figureRow(one, "us CPU a signature"));
    print(ratioRow(ratioOf(series, SDK, GATEWAY), { atLeast: 8 }, { smoke }));
  },
};

function startSigner(signer: string): Promise<Program> {
  const path = fileURLToPath(new URL("./contestants/measure-signing.ts", import.meta.url));
  return startProgram({ args: [path, signer], ready: /ready/ });
}

async function refuseDifferentSignatures(gateway: Program, sdk: Program): Promise<void> {
  const question: SignQuestion = { kind: "sign" };
  const [ours, theirs] = [await gateway.ask<string>(question), await sdk.ask<string>(question)];
  if (ours !== theirs) throw new Error(`The signers disagree:\n${ours}\n${theirs}`);
}
