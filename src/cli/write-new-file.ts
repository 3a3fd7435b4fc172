import { open, rm } from "node:fs/promises";
import { CommandError } from "./command.ts";

/**
 * Writes a new file that only its owner can read. Removes it if the content cannot be written whole.
 * @throws CommandError if the file exists or cannot be written.
 */
export async function writeNewFile(
  file: string,
  write: (to: NodeJS.WritableStream) => Promise<void>,
): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "EEXIST" ? "exists, and is not overwritten" : `cannot be written (${error.code})`;
    throw new CommandError(`${file} ${reason}.`);
  });
  try {
    await write(handle.createWriteStream());
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
