/** Prints a token of a caller of the demo stack: `npm run --silent stack:token -- clerk`. */
import { parseArgs } from "node:util";
import { PERSONAS, type PersonaName, requestToken } from "./stack/personas.ts";
import { EX_USAGE } from "./stack/run-parts.ts";

const names = Object.keys(PERSONAS);

const USAGE = `Usage: npm run --silent stack:token -- CALLER [--issuer-port PORT]

Prints a token of a caller of the demo stack, which must run (npm run stack, or docker compose up).
CALLER is one of ${names.join(", ")}.
--issuer-port is that of the stack's identity provider (4200).`;

function parse() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "issuer-port": { type: "string", default: "4200" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [name = "", ...more] = positionals;
  if (values.help) return undefined;
  if (!names.includes(name) || more.length > 0) throw new Error(`CALLER must be one of ${names.join(", ")}.`);
  return { name: name as PersonaName, issuer: `http://127.0.0.1:${values["issuer-port"]}` };
}

try {
  const asked = parse();
  if (asked === undefined) console.log(USAGE);
  else await printToken(asked);
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = EX_USAGE;
}

async function printToken({ name, issuer }: { readonly name: PersonaName; readonly issuer: string }) {
  try {
    console.log(await requestToken(issuer, name));
  } catch (error) {
    const { message, cause } = error as Error;
    console.error(`No token from ${issuer}: ${cause instanceof Error ? cause.message : message}`);
    process.exitCode = 1;
  }
}
