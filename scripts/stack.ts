/** The topology of docker-compose.yml as processes: `npm run stack`. See scripts/stack/stack.ts. */
import { runParts } from "./stack/run-parts.ts";
import { parseStackOptions, Stack, USAGE } from "./stack/stack.ts";

await runParts({
  usage: USAGE,
  parse: parseStackOptions,
  create: (options, print) => new Stack(options, print),
});
