/** What a command of the command line has to do with the world. */
export interface CommandIo {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WritableStream;
}

/** Resolves with the exit code. */
export type Command = (io: CommandIo) => Promise<number>;

/** The exit code for what could not be done or read, as opposed to what was, with a bad result. */
export const EX_CANNOT = 2;

/** What the person at the terminal got wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode: number;

  constructor(message: string, exitCode = EX_CANNOT) {
    super(message);
    this.exitCode = exitCode;
  }
}
