import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import type { DirectoryUser, ProtectionState, SubUserDirectoryConnection } from "../client/index.ts";
import { systemClock } from "../clock.ts";
import { spreadsheetCsv } from "../spreadsheet-csv.ts";
import { callGateway } from "./call-gateway.ts";
import { type CommandIo, collect, EX_CANNOT, isReadToEnd, printable } from "./command.ts";
import { withExitCodes } from "./command-result.ts";
import { type GatewayConnection, type GatewayOptions, gatewayOf, withGateway } from "./gateway-connection.ts";
import { describeMethods } from "./mfa.ts";
import { type ProgressBar, progressBarOn } from "./terminal.ts";

const FORMATS = ["table", "csv", "jsonl"] as const;

const FILTERS = ["unprotected", "protected", "unknown"] as const;

interface ReportOptions extends GatewayOptions {
  readonly account?: readonly string[];
  readonly filter?: (typeof FILTERS)[number];
  readonly format: (typeof FORMATS)[number];
}

/** The columns of a report, in their order. */
const COLUMNS = [
  ...["account", "opUin", "name", "login", "action", "strength", "hasPhone", "consoleLogin", "lastLogin"],
  ...["age", "asOf", "source", "remark"],
] as const;

type ReportRow = Readonly<Record<(typeof COLUMNS)[number], string | null>>;

/** Adds `report`, which lists the users of a running gateway's directory by its published client. */
export function addReport(program: Command, io: CommandIo): void {
  const command = withGateway(
    program
      .command("report")
      .description("List all users with their protections, from the directory of a running gateway.")
      .addOption(
        new Option("--format <format>", "csv is safe to open in a spreadsheet")
          .choices(FORMATS)
          .default("table"),
      )
      .addOption(
        new Option("--filter <state>", "only users with this state of login protection").choices(FILTERS),
      )
      .option("--account <name>", "only users of this account; repeatable", collect),
  );
  withExitCodes(command).action(async (options: ReportOptions) => {
    const rows = readRows(gatewayOf(options, io.env), options, progressBarOn(io.stderr));
    const { format } = options;
    if (format === "table") {
      io.stdout.write(tableOf(await Array.fromAsync(rows)));
      return;
    }
    const text = format === "csv" ? Readable.from(rows).compose(spreadsheetCsv(COLUMNS)) : jsonLines(rows);
    if (!(await isReadToEnd(pipeline(text, io.stdout, { end: false })))) io.exitCode = EX_CANNOT;
  });
}

const PAGE_SIZE = 100;

async function* readRows(
  connection: GatewayConnection,
  { account, filter }: ReportOptions,
  progress: ProgressBar,
): AsyncGenerator<ReportRow> {
  const login = filter?.toUpperCase() as ProtectionState | undefined;
  let after: string | null = null;
  let read = 0;
  do {
    const page: SubUserDirectoryConnection = await callGateway(connection, (client, options) =>
      client.subUserDirectory({ accounts: account, filter: { login }, first: PAGE_SIZE, after }, options),
    );
    for (const { node } of page.edges) yield rowOf(node);
    read += page.edges.length;
    progress.show(read, page.totalCount);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  progress.clear();
}

function rowOf(user: DirectoryUser): ReportRow {
  const { account, opUin, name, strength, lastLoginTime, protectionsAsOf, knownMfa, remark } = user;
  return {
    ...{ account, opUin, name, strength, remark },
    login: knownMfa && describeMethods(knownMfa.login),
    action: knownMfa && describeMethods(knownMfa.action),
    hasPhone: yesOrNo(user.hasPhone),
    consoleLogin: yesOrNo(user.consoleLogin),
    lastLogin: lastLoginTime,
    age: protectionsAsOf && ageOf(protectionsAsOf),
    asOf: protectionsAsOf,
    source: knownMfa?.source ?? null,
  };
}

function yesOrNo(value: boolean | null): string | null {
  return value === null ? null : value ? "yes" : "no";
}

/** The units of an age with their seconds. */
const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
] as const;

/** Returns the time since the gateway read the protections, such as "3 h". */
function ageOf(asOf: string): string {
  const seconds = Math.max(0, (systemClock.now() - Date.parse(asOf)) / 1_000);
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

async function* jsonLines(rows: AsyncIterable<ReportRow>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** Returns a table of aligned columns. Control characters of names would move the terminal's cursor. */
function tableOf(rows: readonly ReportRow[]): string {
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => printable(row[name] ?? "-")))];
  const widths = COLUMNS.map((_, at) => Math.max(...lines.map((cells) => (cells[at] ?? "").length)));
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
