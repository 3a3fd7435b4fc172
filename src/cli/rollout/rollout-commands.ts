import { type Command, InvalidArgumentError, Option } from "commander";
import type {
  MaxFailuresInput,
  MfaRollout,
  MfaRolloutWindowInput,
  PlanMfaRolloutInput,
  ProtectionState,
} from "../../client/index.ts";
import { callGateway } from "../call-gateway.ts";
import { CommandError, type CommandIo, collect } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";
import {
  type GatewayConnection,
  type GatewayOptions,
  gatewayOf,
  withGateway,
} from "../gateway-connection.ts";
import { collectSwitch, type UserSwitch, wishOf } from "../mfa.ts";
import { describeLeftOut, describeRollout, followRollout, readLeftOut } from "./follow-rollout.ts";
import { addRolloutOrders } from "./order-commands.ts";
import { readUins } from "./read-uins.ts";
import { addRolloutProve, addRolloutVerify } from "./rollout-prove.ts";
import { addRolloutStatus } from "./rollout-status.ts";

const FILTERS = ["unprotected", "protected", "unknown"] as const;

interface PlanningOptions extends GatewayOptions {
  readonly reason: string;
  readonly json?: boolean;
}

interface PlanOptions extends PlanningOptions {
  readonly name: string;
  readonly account?: readonly string[];
  readonly filter?: (typeof FILTERS)[number];
  readonly search?: string;
  readonly opUin?: readonly string[];
  readonly file?: string;
  readonly all?: boolean;
  readonly maxFailures?: PlanMfaRolloutInput["maxFailures"];
  readonly waves?: readonly number[];
  readonly hold: string;
  readonly waitForRelease?: boolean;
  readonly window?: PlanMfaRolloutInput["window"];
  readonly includeAtRisk?: boolean;
}

/** Adds the commands of rollouts. All but `verify` call a running gateway by its published client. */
export function addRollout(rollout: Command, io: CommandIo): void {
  addPlan(rollout, io);
  addRolloutOrders(rollout, io);
  addRolloutStatus(rollout, io);
  addRolloutProve(rollout, io);
  addRolloutVerify(rollout, io);
  addUndo(rollout, io);
}

function addPlan(rollout: Command, io: CommandIo): void {
  const command = withGateway(
    rollout
      .command("plan")
      .description(
        "Plan a change of many users, without changing any. Select users by the options, or all of them by " +
          "--all.",
      )
      .argument("<switch...>", "a switch such as login.phone.on or action.stoken.off", collectSwitch)
      .requiredOption("--name <text>", "the name of the rollout")
      .requiredOption("--reason <text>", "the reason for the record")
      .option("--account <name>", "only users of this account; repeatable", collect)
      .addOption(
        new Option("--filter <state>", "only users with this state of login protection").choices(FILTERS),
      )
      .option("--search <text>", "only users with this text in the name, Uin or remark")
      .option("--op-uin <uin>", "only this user; repeatable", collect)
      .option("--file <file>", "only the users of this file: a Uin a line, or CSV with a column opUin")
      .option("--all", "every user of every account")
      .option(
        "--max-failures <number>",
        "stop when more users fail: a number, or a percentage such as 5% (default: 0)",
        parseMaxFailures,
      )
      .option("--waves <sizes>", "the users of the first waves, such as 10,100; the rest follows", parseWaves)
      .option("--hold <hours>", "the hours between two waves", "0")
      .option("--wait-for-release", "let a person begin each next wave (rollout release)")
      .option(
        "--window <times>",
        "change users only in these times, such as 'Mon-Fri 09:00-17:00 Asia/Shanghai'",
        parseWindow,
      )
      .option("--include-at-risk", "also change users who may be unable to sign in afterwards"),
  );
  printsResult(command, io, (switches: readonly UserSwitch[], options: PlanOptions) =>
    plan(switches, options, io),
  );
}

async function plan(
  switches: readonly UserSwitch[],
  options: PlanOptions,
  io: CommandIo,
): Promise<CommandResult> {
  const { name, reason, maxFailures, window, includeAtRisk } = options;
  const connection = gatewayOf(options, io.env);
  const input: PlanMfaRolloutInput = {
    ...{ name, reason, selection: selectionOf(options, io), desired: wishOf(switches) },
    ...{ maxFailures, window, includeAtRisk, waves: wavesOf(options) },
  };
  const planned = await callGateway(connection, (client, call) => client.planMfaRollout(input, call));
  return readPlan(planned, connection, options, io);
}

/** @throws CommandError if no option names users: a forgotten option must not select everybody. */
function selectionOf(options: PlanOptions, io: CommandIo): PlanMfaRolloutInput["selection"] {
  const { account: accounts, filter, search, opUin = [], file, all } = options;
  const named = [accounts, filter, search, options.opUin, file];
  if ((all === true) === named.some((value) => value !== undefined)) {
    throw new CommandError(
      "Name the users by --account, --filter, --search, --op-uin or --file, or select everybody by --all.",
    );
  }
  const list = file === undefined ? undefined : readUins(file);
  if (list !== undefined && list.repeated > 0) {
    io.stderr.write(`${file} repeats users. Each counts once: ${list.opUins.length} users.\n`);
  }
  const opUins = list === undefined && opUin.length === 0 ? undefined : [...opUin, ...(list?.opUins ?? [])];
  const login = filter?.toUpperCase() as ProtectionState | undefined;
  return { accounts, filter: { login, search }, opUins };
}

function wavesOf({ waves, hold, waitForRelease }: PlanOptions): PlanMfaRolloutInput["waves"] {
  const holdHours = Number(hold);
  if (!(holdHours >= 0)) throw new CommandError("--hold takes a number of hours.");
  if (waves === undefined && (holdHours > 0 || waitForRelease === true)) {
    throw new CommandError("--hold and --wait-for-release need --waves.");
  }
  return waves?.map((users) => ({ users, holdHours, waitForRelease }));
}

function addUndo(rollout: Command, io: CommandIo): void {
  const command = withGateway(
    rollout
      .command("undo")
      .description("Plan the undo of a rollout that has ended, without changing any user.")
      .argument("<id>", "the rollout")
      .requiredOption("--reason <text>", "the reason for the record"),
  );
  printsResult(command, io, async (id: string, options: PlanningOptions) => {
    const connection = gatewayOf(options, io.env);
    const planned = await callGateway(connection, (client, call) =>
      client.planMfaRolloutUndo({ id, reason: options.reason }, call),
    );
    return readPlan(planned, connection, options, io);
  });
}

/** Waits for the plan and describes it. */
async function readPlan(
  { id }: MfaRollout,
  connection: GatewayConnection,
  { json = false }: PlanningOptions,
  io: CommandIo,
): Promise<CommandResult> {
  const rollout = await followRollout(id, connection, io, ({ status }) => status !== "PLANNING");
  const isPlanned = rollout.status === "PLANNED";
  const leftOut = await readLeftOut(id, connection, json);
  return {
    exitCode: isPlanned ? 0 : 1,
    lines: [
      ...describeRollout(rollout),
      ...describeLeftOut(leftOut),
      ...(isPlanned ? [nextStep(rollout)] : []),
    ],
    result: { ...rollout, leftOut: leftOut.users },
  };
}

function nextStep({ id, progress }: MfaRollout): string {
  if (progress.total === 0) return "The plan changes no user, so it cannot be started.";
  return `To start it: cam-gateway rollout start ${id}`;
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** Parses a number of users or a percentage. */
export function parseMaxFailures(text: string): MaxFailuresInput {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(number);
  if (percent === "%" && value <= 100) return { percent: value };
  if (percent === "" && Number.isSafeInteger(value)) return { count: value };
  throw new InvalidArgumentError("Give a number of users such as 5, or a percentage such as 2.5%.");
}

/** Parses the sizes of waves. */
export function parseWaves(text: string): readonly number[] {
  const sizes = text.split(",").map((size) => size.trim());
  if (sizes.every((size) => /^[1-9]\d{0,8}$/.test(size))) return sizes.map(Number);
  throw new InvalidArgumentError("Give numbers of users such as 10,100.");
}

/** Parses a time window. The gateway checks the time zone. */
export function parseWindow(text: string): MfaRolloutWindowInput {
  const [, days, from, to, timeZone] =
    /^(?:(\S+)\s+)?(\d\d:\d\d)-(\d\d:\d\d)\s+([A-Za-z_/+\-\d]+)$/.exec(text.trim()) ?? [];
  if (from === undefined || to === undefined || timeZone === undefined) {
    throw new InvalidArgumentError(
      "Give days, times and a time zone, such as 'Mon-Fri 09:00-17:00 Asia/Shanghai'.",
    );
  }
  return { days: days === undefined ? undefined : parseDays(days), from, to, timeZone };
}

/** Parses days such as "Mon-Fri" or "Sat,Sun". */
function parseDays(text: string): readonly string[] {
  return text.split(",").flatMap((part) => {
    const [first = "", last = first] = part.split("-");
    const [from, to] = [first, last].map((day) =>
      DAYS.findIndex((name) => name.toLowerCase() === day.toLowerCase()),
    );
    if (from === undefined || to === undefined || from === -1 || to < from) {
      throw new InvalidArgumentError(`Give days as ${DAYS.join(", ")}, such as Mon-Fri or Sat,Sun.`);
    }
    return DAYS.slice(from, to + 1);
  });
}
