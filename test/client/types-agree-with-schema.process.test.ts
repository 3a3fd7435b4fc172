import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isEnumType, parse } from "graphql";
import { expect, test } from "vitest";
import { DOCUMENTS } from "../../src/client/documents.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { publishedSchema } from "./schema.ts";
import { resultTypeOf, variablesTypeOf } from "./types-of-document.ts";

const root = join(import.meta.dirname, "../..");

/** The type of each operation's variables as one object, also for methods that take them separately. */
const VARIABLES: Readonly<Record<keyof typeof DOCUMENTS, string>> = {
  subUser:
    "{ readonly opUin: Parameters<CamGatewayClient['subUser']>[0]; readonly account?: ReadOptions['account'] }",
  subUsers:
    "{ readonly opUins: Parameters<CamGatewayClient['subUsers']>[0]; readonly account?: ReadOptions['account'] }",
  subUserDirectory: "Exclude<Parameters<CamGatewayClient['subUserDirectory']>[0], undefined>",
  mfaCoverage: "Exclude<Parameters<CamGatewayClient['mfaCoverage']>[0], undefined>",
  mfaDrift: "Exclude<Parameters<CamGatewayClient['mfaDrift']>[0], undefined>",
  directoryScans: "Exclude<Parameters<CamGatewayClient['directoryScans']>[0], undefined>",
  scanDirectory: "Exclude<Parameters<CamGatewayClient['scanDirectory']>[0], undefined>",
  pauseDirectoryScan: "Exclude<Parameters<CamGatewayClient['pauseDirectoryScan']>[0], undefined>",
  resumeDirectoryScan: "Exclude<Parameters<CamGatewayClient['resumeDirectoryScan']>[0], undefined>",
  camErrors: "{}",
  camQuota: "{}",
  mfaChange: "{ readonly id: Parameters<CamGatewayClient['mfaChange']>[0] }",
  mfaChanges: "Exclude<Parameters<CamGatewayClient['mfaChanges']>[0], undefined>",
  auditEvents: "Exclude<Parameters<CamGatewayClient['auditEvents']>[0], undefined>",
  setSubUserMfa: "Parameters<CamGatewayClient['setSubUserMfa']>[0]",
  trySetSubUserMfa: "Parameters<CamGatewayClient['trySetSubUserMfa']>[0]",
  approveMfaChange: "Parameters<CamGatewayClient['approveMfaChange']>[0]",
  tryApproveMfaChange: "Parameters<CamGatewayClient['tryApproveMfaChange']>[0]",
  rejectMfaChange: "Parameters<CamGatewayClient['rejectMfaChange']>[0]",
  mfaRollout: "Parameters<CamGatewayClient['mfaRollout']>[0]",
  mfaRollouts: "Exclude<Parameters<CamGatewayClient['mfaRollouts']>[0], undefined>",
  mfaRolloutBundle: "Parameters<CamGatewayClient['mfaRolloutBundle']>[0]",
  planMfaRollout: "{ readonly input: Parameters<CamGatewayClient['planMfaRollout']>[0] }",
  planMfaRolloutUndo: "Parameters<CamGatewayClient['planMfaRolloutUndo']>[0]",
  startMfaRollout: "Parameters<CamGatewayClient['startMfaRollout']>[0]",
  approveMfaRollout: "Parameters<CamGatewayClient['approveMfaRollout']>[0]",
  rejectMfaRollout: "Parameters<CamGatewayClient['rejectMfaRollout']>[0]",
  pauseMfaRollout: "Parameters<CamGatewayClient['pauseMfaRollout']>[0]",
  resumeMfaRollout: "{ readonly id: Parameters<CamGatewayClient['resumeMfaRollout']>[0] }",
  cancelMfaRollout: "Parameters<CamGatewayClient['cancelMfaRollout']>[0]",
  releaseMfaRolloutWave: "Parameters<CamGatewayClient['releaseMfaRolloutWave']>[0]",
  pausedCallers: "{}",
  resumeCaller: "Parameters<CamGatewayClient['resumeCaller']>[0]",
};

/** The fields that are null only together with an error. The client throws that error. */
const NEVER_NULL: readonly string[] = [
  "mfaRolloutBundle",
  ...["setSubUserMfa", "approveMfaChange", "rejectMfaChange"],
  ...["scanDirectory", "pauseDirectoryScan", "resumeDirectoryScan"],
  ...["planMfaRollout", "planMfaRolloutUndo", "startMfaRollout", "approveMfaRollout", "rejectMfaRollout"],
  ...["pauseMfaRollout", "resumeMfaRollout", "cancelMfaRollout", "releaseMfaRolloutWave"],
];

/** Helper types. `Plain` expands interfaces, so that an interface equals a literal type with the same properties. */
const PRELUDE = `
import type { AuditEventKind, CamErrorCategory, CamErrorCode, CamGatewayClient, CamGatewayError, ChangeResolution, MfaChangeDecision, MfaChangeStatus, ReadOptions } from "ROOT/src/client/index.ts";
type Plain<T> = T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;
type Result<Name extends keyof CamGatewayClient> = Awaited<ReturnType<CamGatewayClient[Name]>>;
`;

const claims = [
  ...(Object.keys(DOCUMENTS) as (keyof typeof DOCUMENTS)[]).flatMap((name) => {
    const document = parse(DOCUMENTS[name]);
    return [
      claim(
        `result_of_${name}`,
        `Result<"${name}">`,
        expectedResult(name, resultTypeOf(publishedSchema, document)),
      ),
      claim(`variables_of_${name}`, VARIABLES[name], variablesTypeOf(publishedSchema, document)),
    ];
  }),
  ...[
    "AuditEventKind",
    "CamErrorCode",
    "CamErrorCategory",
    "ChangeResolution",
    "MfaChangeDecision",
    "MfaChangeStatus",
  ].map((name) => claim(`values_of_${name}`, name, enumText(name))),
];

function expectedResult(name: keyof typeof DOCUMENTS, text: string): string {
  return NEVER_NULL.includes(name) ? `Exclude<${text}, null>` : text;
}

function claim(name: string, ours: string, expected: string): string {
  return `export const ${name}: Same<${ours}, ${expected}> = true;\n`;
}

function enumText(name: string): string {
  const type = publishedSchema.getType(name);
  if (!isEnumType(type)) throw new Error(`${name} is not an enum of the schema.`);
  return type
    .getValues()
    .map((value) => `"${value.name}"`)
    .join(" | ");
}

/** Compiles a source and returns the errors of the compiler, one a line. */
async function compile(source: string): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  const file = await folder.write("claims.mts", PRELUDE.replace("ROOT", root) + source);
  const compilerOptions = {
    types: [],
    lib: ["es2024", "dom"],
    noUnusedLocals: false,
    rewriteRelativeImportExtensions: false,
  };
  const options = { extends: join(root, "tsconfig.json"), compilerOptions, include: [file] };
  await writeFile(folder.at("tsconfig.json"), JSON.stringify(options));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const run = promisify(execFile)(process.execPath, [
    tsc,
    "--noEmit",
    "-p",
    folder.path,
    "--pretty",
    "false",
  ]);
  const { stdout } = await run.catch((failure: { stdout: string }) => failure);
  return stdout.split("\n").filter((line) => line !== "");
}

test("the client's types of results, arguments and enums are those of the schema", async () => {
  expect(await compile(claims.join(""))).toEqual([]);
});

test("the comparison finds a difference in nullability, in fields and in enum values", async () => {
  const [subUser = ""] = claims;
  const wrong = [
    subUser.replace("readonly name: string | null", "readonly name: string"),
    subUser.replace("readonly uid: string | null; ", "").replace("result", "shortened"),
    claim("codes", "CamErrorCode", `${enumText("CamErrorCode")} | "NEW"`),
  ];
  const complaints = await compile(wrong.join(""));
  expect(complaints).toHaveLength(wrong.length);
  for (const complaint of complaints) expect(complaint).toContain("'true' is not assignable to type 'false'");
});

test("a switch over the codes compiles only with every case", async () => {
  const codes = enumText("CamErrorCode").split(" | ");
  const switchOver = (name: string, cases: readonly string[]) => `
    export function ${name}(error: CamGatewayError): true {
      switch (error.extensions.code) {
        ${cases.map((code) => `case ${code}: return true;`).join("\n")}
        default: { const nothing: never = error.extensions; return nothing; }
      }
    }`;
  expect(await compile(switchOver("whole", codes))).toEqual([]);
  const complaints = await compile(switchOver("short", codes.slice(1)));
  expect(complaints).toEqual([expect.stringContaining("is not assignable to type 'never'")]);
});
