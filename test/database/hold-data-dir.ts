/** A program that takes a data folder, prints a line, and keeps it until its standard input ends or it is killed. */
import { lockDataDir } from "../../src/database/pglite-folder.ts";

const [, , dataDir = ""] = process.argv;
try {
  const unlock = await lockDataDir(dataDir);
  process.stdin.resume();
  process.stdin.on("end", () => void unlock());
  process.stdout.write("held\n");
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
