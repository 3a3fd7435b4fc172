/** The topology of docker-compose.yml as processes: `npm run stack`. See scripts/stack/stack-options.ts. */
import { runParts } from "./stack/run-parts.ts";
import { Stack } from "./stack/stack.ts";
import { parseStackOptions, USAGE } from "./stack/stack-options.ts";

await runParts({
  usage: USAGE,
  parse: parseStackOptions,
  create: (options, print) => new Stack(options, print),
});
