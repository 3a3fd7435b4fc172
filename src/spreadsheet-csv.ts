import { type Stringifier, stringify } from "csv-stringify";

/** Returns a stream from rows to CSV (RFC 4180) that spreadsheets open without running a formula. */
export function spreadsheetCsv(columns: readonly string[]): Stringifier {
  return stringify({
    ...{ header: true, columns: [...columns], record_delimiter: "windows" },
    // A line feed or carriage return alone would begin a new row, and its rest a new cell.
    quoted_match: /[\r\n]/,
    // Spreadsheets take a file without it for one in the code page of the machine.
    bom: true,
    cast: { string: withoutFormula, object: (value) => withoutFormula(JSON.stringify(value)) },
  });
}

/** Matches a text that a spreadsheet may run as a formula, also after spaces and invisible characters. */
const FORMULA = /^[\s\p{C}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

/** Puts an apostrophe before a formula, which makes it a text (OWASP, CSV injection). */
function withoutFormula(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}
