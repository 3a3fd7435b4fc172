import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** The dependencies that all parts of the gateway share. */
export interface Foundation {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Closes the open parts, the last one first. Each part adds its closer once it is open. */
  readonly closers: AsyncDisposableStack;
}
