import { readFile } from "node:fs/promises";
import { DatabaseError } from "./database.ts";

/** What DATABASE_URL_FILE leads to. @throws DatabaseError */
export async function readUrlFile(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DatabaseError(`The file of DATABASE_URL_FILE, ${file}, cannot be read (${code}).`, { cause });
  }
}
