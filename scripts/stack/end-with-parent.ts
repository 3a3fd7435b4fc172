/**
 * Loaded before the program of a part (`node --import`): stops the part when its standard input ends. The parent closes
 * it to stop the part, and the system closes it when the parent is killed. So no part outlives its parent.
 */
process.stdin.once("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
// Standard input must not keep a finished program alive.
(process.stdin as Partial<import("node:net").Socket>).unref?.();
