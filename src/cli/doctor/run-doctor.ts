import type { CommandIo } from "../command.ts";
import type { CommandResult } from "../command-result.ts";
import {
  type ConnectionOptions,
  type GatewayConnection,
  readConnection,
  withoutSecrets,
} from "../gateway-connection.ts";
import { checkCam } from "./check-cam.ts";
import { checkConfiguration, checkIssuers } from "./check-configuration.ts";
import { checkDatabase } from "./check-database.ts";
import { checkGateway } from "./check-gateway.ts";
import { checkRouter } from "./check-router.ts";
import { describeCheckup, type Group, summarize } from "./checkup.ts";
import type { RouterId } from "./router-guides.ts";

/** The options. Their parsers throw a CommandError: commander's error would repeat the value, perhaps a token. */
export interface DoctorOptions extends ConnectionOptions {
  readonly local?: boolean;
  readonly url?: URL;
  readonly router?: URL;
  readonly for?: RouterId;
}

/** Runs the checks that the options ask for. Other commands do not load them. */
export async function runDoctor(options: DoctorOptions, io: CommandIo): Promise<CommandResult> {
  const { url, router } = options;
  const connection = readConnection(options, io.env);
  const groups =
    url === undefined && router === undefined
      ? await preflight(options, connection.timeoutMs, io)
      : await checkRunning(options, connection);
  const { failed, warning } = summarize(groups);
  const { headers } = connection;
  const redact = (text: string): string => withoutSecrets(text, headers);
  return {
    exitCode: failed + warning > 0 ? 1 : 0,
    lines: describeCheckup(groups).map(redact),
    result: JSON.parse(redact(JSON.stringify({ summary: summarize(groups), groups }))),
  };
}

/** Checks everything that the configuration names. */
async function preflight(
  { local }: DoctorOptions,
  timeoutMs: number,
  io: CommandIo,
): Promise<readonly Group[]> {
  await using open = new AsyncDisposableStack();
  const configuration = await checkConfiguration({ ...(local && { local }) }, io);
  const { config } = configuration;
  const { group, windows, names } = await checkDatabase(configuration, io, open);
  const issuers = await checkIssuers(config, timeoutMs);
  return [configuration.group, group, issuers, ...(await checkCam(config, windows, names))];
}

async function checkRunning(
  { url, router, for: kind }: DoctorOptions,
  connection: Omit<GatewayConnection, "url">,
): Promise<readonly Group[]> {
  const gateway = url && { url, ...connection };
  return [
    ...(gateway === undefined ? [] : [await checkGateway(gateway)]),
    ...(router === undefined ? [] : [await checkRouter({ url: router, ...connection }, gateway, kind)]),
  ];
}
