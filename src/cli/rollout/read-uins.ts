import { readFileSync } from "node:fs";
import { CsvError, parse } from "csv-parse/sync";
import { explainUin, parseUin, type Uin } from "../../contract/index.ts";
import { MAX_USERS } from "../../rollouts/rollout.ts";
import { decodeFile, whyUnreadable } from "../../utf8.ts";
import { CommandError } from "../command.ts";

/** The users of a file. */
interface UinList {
  /** Each user once, in the order of the file. */
  readonly opUins: readonly Uin[];
  /** How many lines repeat an earlier user. */
  readonly repeated: number;
}

/** The names of the column, in lower case. `report --format csv` writes `opUin`. */
const COLUMN = /^(op[ _-]?uin|uin|sub[ _-]?uin)$/;

/** How many mistakes an error lists. */
const SHOWN_MISTAKES = 10;

/** A line of the file that has cells. */
interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads users from a file with one Uin a line, or from CSV with a column `opUin`. Accepts a byte order mark, blanks, empty
 * lines, quotes, other columns, and commas, semicolons or tabs between them, as spreadsheets write them.
 *
 * @throws CommandError that lists the mistakes with their lines.
 */
export function readUins(file: string): UinList {
  const rows = parseRows(file, readText(file));
  const [first, ...rest] = rows;
  if (first === undefined) throw new CommandError(`${file} has no Uin: it is empty.`);
  const named = first.cells.findIndex((cell) => COLUMN.test(cell.toLowerCase()));
  if (named === -1 && first.cells.filter((cell) => cell !== "").length > 1) {
    throw new CommandError(
      `${file} line ${first.line} names no column opUin. Name the column with the Uins.`,
    );
  }
  const { uins, mistakes } = parseUins(named === -1 ? rows : rest, Math.max(named, 0));
  if (mistakes.length > 0) throw new CommandError(describeMistakes(file, mistakes));
  if (uins.length === 0) throw new CommandError(`${file} has no Uin: it has only the names of its columns.`);
  const opUins = [...new Set(uins)];
  if (opUins.length > MAX_USERS) {
    throw new CommandError(
      `${file} has ${opUins.length} users. A rollout takes ${MAX_USERS} at most: split the file.`,
    );
  }
  return { opUins, repeated: uins.length - opUins.length };
}

function readText(file: string): string {
  try {
    return decodeFile(readFileSync(file));
  } catch (error) {
    throw new CommandError(`${file} ${whyUnreadable(error)}.`);
  }
}

/** Splits the text into rows without the empty ones. */
function parseRows(file: string, text: string): readonly Row[] {
  let line = 0;
  const rows: Row[] = [];
  try {
    parse(text, {
      delimiter: [",", ";", "\t"],
      relax_column_count: true,
      trim: true,
      on_record: (cells: string[], { lines }) => {
        // A quoted cell may span lines. The row begins on the line after the one before it.
        rows.push({ line: line + 1, cells });
        line = lines;
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CommandError(`${file} line ${line + 1} is not CSV: ${CSV_FAULTS[error.code] ?? error.code}.`);
  }
  return rows.filter(({ cells }) => cells.some((cell) => cell !== ""));
}

/** The faults of CSV in words. csv-parse's own messages repeat cells. */
const CSV_FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a quotation mark begins a cell and none ends it",
  CSV_INVALID_CLOSING_QUOTE: "text follows the quotation mark that ends a cell",
  INVALID_OPENING_QUOTE: "a quotation mark stands inside a cell",
};

function parseUins(rows: readonly Row[], column: number) {
  const uins: Uin[] = [];
  const mistakes: string[] = [];
  for (const { line, cells } of rows) {
    const cell = cells[column] ?? "";
    const uin = parseUin(cell);
    if (uin !== undefined) uins.push(uin);
    else mistakes.push(`line ${line}: ${explainCell(cell)}`);
  }
  return { uins, mistakes };
}

/** Explains a cell that is no Uin. Spreadsheets round long numbers and write them with an exponent. */
function explainCell(cell: string): string {
  if (!/^\d+([.,]\d+)?E\+?\d+$/i.test(cell)) return explainUin(cell);
  return `"${cell.slice(0, 40)}" was rounded by a spreadsheet. Format the column as text and enter the Uins again.`;
}

function describeMistakes(file: string, mistakes: readonly string[]): string {
  const more = mistakes.length - SHOWN_MISTAKES;
  return [
    `${file} has ${mistakes.length === 1 ? "a line" : `${mistakes.length} lines`} without a Uin:`,
    ...mistakes.slice(0, SHOWN_MISTAKES),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join("\n");
}
