import { readUtf8File, whyUnreadable } from "../utf8.ts";
import { DatabaseError } from "./database.ts";

/** What DATABASE_URL_FILE leads to. @throws DatabaseError */
export async function readUrlFile(file: string): Promise<string> {
  try {
    return (await readUtf8File(file)).trim();
  } catch (cause) {
    throw new DatabaseError(`The file of DATABASE_URL_FILE, ${file}, ${whyUnreadable(cause)}.`, { cause });
  }
}
