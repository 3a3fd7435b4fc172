/** A line on a terminal that shows how far a command is. */
export interface ProgressBar {
  /** @param more What follows the numbers, such as the time that is left. */
  show(done: number, total: number, more?: string): void;
  /** Removes the line, so that other output can follow. */
  clear(): void;
}

const WIDTH = 30;

/** Moves to the start of the line and clears it. */
const CLEAR = "\r\u001b[K";

/** Returns a progress bar that overwrites itself on a terminal, and that shows nothing elsewhere. */
export function progressBarOn(stderr: NodeJS.WritableStream): ProgressBar {
  if (!("isTTY" in stderr) || stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  return {
    show: (done, total, more = "") => {
      const filled = total === 0 ? 0 : Math.floor((WIDTH * done) / total);
      const bar = `[${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}]`;
      stderr.write(`${CLEAR}${bar} ${done} of ${total} users${more}`);
    },
    clear: () => void stderr.write(CLEAR),
  };
}
