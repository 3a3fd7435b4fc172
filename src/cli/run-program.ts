import { KeyFileError } from "../audit/signing-key.ts";
import { DatabaseError } from "../database/database.ts";

/** What the person at the terminal got wrong; shown with how it is done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Could not be done or read, as opposed to done with a bad result. */
export const EX_CANNOT = 2;

/** Runs a program to its end: a number is its exit code, and an error becomes a sentence and `EX_CANNOT`. */
export async function runProgram(program: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await program();
  } catch (error) {
    console.error(explain(error));
    process.exitCode = EX_CANNOT;
  }
}

function explain(error: unknown): string {
  const { message, code } = error as Error & { code?: string };
  if (code === "42P01")
    return "There is no record in this database yet. Start the gateway, or run: npm run migrate";
  if (code?.startsWith("ERR_PARSE_ARGS")) return `${message.split("\n")[0]} Try --help.`;
  const isSaid = [DatabaseError, KeyFileError, UsageError].some((kind) => error instanceof kind);
  return isSaid ? message : `It failed: ${message}`;
}
