/**
 * Loaded into a part before its own program (`node --import`): the part is told to stop when its standard input ends.
 * Whoever started it does that to stop it, and the system does it where whoever started it was killed, so that no
 * part is ever left behind.
 */
process.stdin.once("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
// A pipe: it must not keep a program alive that has ended otherwise.
(process.stdin as Partial<import("node:net").Socket>).unref?.();
