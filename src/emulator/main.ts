import { parseArgs } from "node:util";
import { loadEmulatorConfig } from "./emulator-config.ts";
import { describeEvent } from "./emulator-event.ts";
import { InputProblems } from "./input-problems.ts";
import { startCamEmulator } from "./start-cam-emulator.ts";

/** EX_CONFIG of sysexits.h: wrong settings, a restart does not help. */
const EXIT_CONFIG = 78;

try {
  const { warnings, ...config } = loadEmulatorConfig({ ...process.env, ...readOptions() });
  for (const warning of warnings) console.error(warning);
  const emulator = await startCamEmulator({
    ...config,
    onEvent: (event) => console.log(describeEvent(event)),
  });
  // Set before the start-up lines: a parent process may stop the emulator as soon as it reads them.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void emulator.stop().then(() => process.exit(0)));
  }
  const [key] = config.seed.keys;
  console.log(`  API        ${emulator.url}`);
  console.log(`  Control    ${emulator.controlUrl}`);
  console.log(`  SecretId   ${key?.secretId}`);
  console.log(`  SecretKey  ${key?.secretKey}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof InputProblems ? EXIT_CONFIG : 1;
}

/** Reads `--users N` as the variable of the same meaning. */
function readOptions(): Record<string, string> {
  try {
    const { users } = parseArgs({ options: { users: { type: "string" } } }).values;
    return users === undefined ? {} : { CAM_EMULATOR_USERS: users };
  } catch (cause) {
    throw new InputProblems("The emulator cannot start with these options", [(cause as Error).message], {
      cause,
    });
  }
}
