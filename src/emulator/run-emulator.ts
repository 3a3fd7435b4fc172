import { z } from "zod";
import { describeEvent } from "./emulator-event.ts";
import { InputProblems } from "./input-problems.ts";
import { loadSeedFile, MOST_USERS, type ParsedSeed, withGeneratedUsers } from "./seed.ts";
import { type CamEmulatorOptions, startCamEmulator } from "./start-cam-emulator.ts";

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

const PREFIX = "CAM_EMULATOR_";

const port = (byDefault: number) =>
  z.coerce
    .number("must be a port number")
    .int("must be a port number")
    .min(0, "must be a port number")
    .max(65_535, "must be at most 65535")
    .default(byDefault);

const environmentSchema = z.strictObject({
  CAM_EMULATOR_HOST: z.string().default("127.0.0.1"),
  CAM_EMULATOR_PORT: port(4100),
  CAM_EMULATOR_CONTROL_PORT: port(4101),
  CAM_EMULATOR_SEED_FILE: z.string().optional(),
  CAM_EMULATOR_USERS: z.coerce
    .number("must be a number of users")
    .int()
    .nonnegative()
    .max(MOST_USERS)
    .default(0),
  CAM_EMULATOR_WINDOW: z.enum(["sliding", "fixed"]).default("sliding"),
  CAM_EMULATOR_OMITTED_INTEGERS: z.enum(["zero", "unchanged"]).default("zero"),
  CAM_EMULATOR_NULL_REGION: z.enum(["accept", "refuse"]).default("accept"),
  CAM_EMULATOR_RATE: z.coerce.number("must be a number of calls a second").int().positive().default(20),
  CAM_EMULATOR_RANDOM_SEED: z.coerce
    .number("must be a whole number")
    .int()
    .nonnegative()
    .max(0xffff_ffff)
    .optional(),
});

/**
 * Loads the settings of the program. Ignores the variables that Kubernetes sets for Services; `warnings` names these Services.
 * Throws InputProblems with every wrong variable and every mistake in the seed file.
 */
export function loadEmulatorConfig(
  env: Readonly<Record<string, string | undefined>>,
): CamEmulatorOptions & { seed: ParsedSeed; warnings: readonly string[] } {
  const { settings: kept, services } = withoutServiceLinks(env);
  const ours = Object.entries(kept).filter(([name, value]) => name.startsWith(PREFIX) && value !== "");
  const settings = environmentSchema.safeParse(Object.fromEntries(ours));
  const problems = settings.success ? [] : settings.error.issues.map(describeIssue);
  const seed = loadSeed(env["CAM_EMULATOR_SEED_FILE"], problems);
  const taken = settings.data?.CAM_EMULATOR_PORT;
  if (taken && taken === settings.data?.CAM_EMULATOR_CONTROL_PORT) {
    problems.push("CAM_EMULATOR_PORT and CAM_EMULATOR_CONTROL_PORT must differ");
  }
  if (!settings.success || !seed || problems.length > 0) {
    throw new InputProblems("The emulator cannot start with these settings", problems);
  }
  const { data } = settings;
  return {
    warnings: services
      .filter((service) => `${service}_PORT` in environmentSchema.shape)
      .map(
        (service) =>
          `Kubernetes set ${service}_PORT for the Service ${service.toLowerCase().replaceAll("_", "-")}, and the emulator ` +
          "ignores it. Set enableServiceLinks: false in the pod to keep such variables out.",
      ),
    host: data.CAM_EMULATOR_HOST,
    port: data.CAM_EMULATOR_PORT,
    controlPort: data.CAM_EMULATOR_CONTROL_PORT,
    seed: withGeneratedUsers(seed, data.CAM_EMULATOR_USERS),
    window: data.CAM_EMULATOR_WINDOW,
    omittedIntegers: data.CAM_EMULATOR_OMITTED_INTEGERS,
    nullRegion: data.CAM_EMULATOR_NULL_REGION,
    ratePerSecond: data.CAM_EMULATOR_RATE,
    ...(data.CAM_EMULATOR_RANDOM_SEED === undefined ? {} : { randomSeed: data.CAM_EMULATOR_RANDOM_SEED }),
  };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((name) => `${name}: no such setting`).join(", ");
  return `${issue.path.map(String).join(".")}: ${issue.message}`;
}

/** Adds the mistakes of the file to the problems, so that one start reports all of them. */
function loadSeed(file: string | undefined, problems: string[]): ParsedSeed | undefined {
  try {
    return loadSeedFile(file === "" ? undefined : file);
  } catch (error) {
    if (!(error instanceof InputProblems)) throw error;
    const [headline = ""] = error.message.split(":\n");
    problems.push(...error.problems.map((problem) => `CAM_EMULATOR_SEED_FILE: ${headline}: ${problem}`));
    return undefined;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The value that Kubernetes sets for a Service, for example `CAM_EMULATOR_PORT=tcp://10.96.0.12:4100`. */
const ADDRESS = /^(tcp|udp|sctp):\/\/\S+:\d+$/i;

/** The names of variables with such a value. */
const WITH_ADDRESS = /^(.+?)_PORT(_\d+_(TCP|UDP|SCTP))?$/;

/** The suffixes of a Service's variables. */
const PARTS = /^(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/**
 * Returns the environment without the variables of Kubernetes Services, and the prefixes of these Services. Keeps a
 * `_PORT` with another value: an operator set it.
 */
function withoutServiceLinks(env: Environment): {
  readonly settings: Environment;
  readonly services: readonly string[];
} {
  const all = new Set<string>();
  for (const [name, value = ""] of Object.entries(env)) {
    const service = WITH_ADDRESS.exec(name)?.[1];
    if (service !== undefined && ADDRESS.test(value)) all.add(service);
  }
  const settings = Object.entries(env).filter(([name, value = ""]) => {
    const service = [...all].find(
      (prefix) => name.startsWith(`${prefix}_`) && PARTS.test(name.slice(prefix.length + 1)),
    );
    return service === undefined || (name === `${service}_PORT` && !ADDRESS.test(value));
  });
  const services = [...all].filter((service) => ADDRESS.test(env[`${service}_PORT`] ?? ""));
  return { settings: Object.fromEntries(settings), services };
}
