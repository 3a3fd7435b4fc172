import { loadEmulatorConfig } from "./emulator-config.ts";
import { describeEvent } from "./emulator-event.ts";
import { InputProblems } from "./input-problems.ts";
import { startCamEmulator } from "./start-cam-emulator.ts";

/** EX_CONFIG of sysexits.h: wrong settings, a restart does not help. */
const EXIT_CONFIG = 78;

/**
 * Runs the emulator until a signal stops it, and prints its addresses, its key and a line for each event.
 *
 * @returns the exit code if it cannot start, and undefined while it runs.
 */
export async function runEmulator(
  env: Readonly<Record<string, string | undefined>>,
  print: (line: string) => void,
): Promise<number | undefined> {
  try {
    const { warnings, ...config } = loadEmulatorConfig(env);
    warnings.forEach(print);
    const emulator = await startCamEmulator({ ...config, onEvent: (event) => print(describeEvent(event)) });
    // Set before the start-up lines: a parent process may stop the emulator as soon as it reads them.
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => void emulator.stop().then(() => process.exit(0)));
    }
    const [key] = config.seed.keys;
    print(`  API        ${emulator.url}`);
    print(`  Control    ${emulator.controlUrl}`);
    print(`  SecretId   ${key?.secretId}`);
    print(`  SecretKey  ${key?.secretKey}`);
    return undefined;
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return error instanceof InputProblems ? EXIT_CONFIG : 1;
  }
}
