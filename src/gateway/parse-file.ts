import { ConfigError } from "../config/config.ts";
import type { FileRead } from "../polled-file.ts";
import { decodeFile, whyUnreadable } from "../utf8.ts";

/**
 * Parses a read of a file that a variable names. @param parse Adds mistakes to `problems`.
 * @throws ConfigError with every mistake in the file.
 */
export function parseFile<Parsed>(
  [variable, file]: readonly [variable: string, file: string],
  read: FileRead,
  parse: (text: string, problems: string[]) => Parsed,
): Parsed {
  const refuse = (why: string): never => {
    throw new ConfigError([`${variable} ${file} ${why}.`]);
  };
  if ("problem" in read) return refuse(read.problem);
  let text: string;
  try {
    text = decodeFile(read.bytes);
  } catch (error) {
    return refuse(whyUnreadable(error));
  }
  const problems: string[] = [];
  const parsed = parse(text, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return parsed;
}
