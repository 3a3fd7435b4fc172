type Level = "debug" | "info" | "warn" | "error" | "fatal";

export interface LogEvent {
  readonly level: Level;
  /** A short phrase for people. Programs look at the id, which is stable. */
  readonly message: string;
  /** The meaning of the event, and the task of an operator. */
  readonly help: string;
}

const at =
  (level: Level) =>
  (message: string, help: string): LogEvent => ({ level, message, help });
export const [debug, info, warn, error, fatal] = [
  at("debug"),
  at("info"),
  at("warn"),
  at("error"),
  at("fatal"),
];
