import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../telemetry/logger.ts";

/** What every part of the gateway is built on. */
export interface Foundation {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Closes the parts that are open, the last one first. Each part adds itself once it is open. */
  readonly open: AsyncDisposableStack;
}
