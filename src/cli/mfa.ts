import { randomUUID } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import {
  type ChangedSubUser,
  createCamGatewayClient,
  type LoginActionFlag,
  type SetSubUserMfaInput,
  type SubUser,
} from "../client/index.ts";
import { explainUin, parseUin, type Uin } from "../contract/index.ts";
import { explainFailedChange, explainFailedRead, redacted } from "./call-gateway.ts";
import { askFirst, CommandError, type CommandIo } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { type GatewayConnection, type GatewayOptions, gatewayOf, withGateway } from "./gateway-connection.ts";

interface UserOptions extends GatewayOptions {
  readonly account?: string;
}

interface SetOptions extends UserOptions {
  readonly reason?: string;
  readonly idempotencyKey?: string;
  readonly overwriteOtherMethods?: boolean;
  readonly yes?: boolean;
}

/** Adds `mfa get` and `mfa set`, which call a running gateway by its published client. */
export function addMfa(mfa: Command, io: CommandIo): void {
  printsResult(
    ofUser(mfa.command("get").description("Read a user's protections.")),
    io,
    (opUin: Uin, options: UserOptions) => getUser(opUin, options, io),
  );
  const set = ofUser(mfa.command("set").description("Switch a user's protections on or off."))
    .argument("<switch...>", "a switch such as login.phone.on or action.stoken.off", collectSwitch)
    .option("--reason <text>", "the reason for the record")
    .option(
      "--idempotency-key <key>",
      "repeat an earlier command safely, by the key that it printed; valid for a day (default: a new key)",
    )
    .option("--overwrite-other-methods", "accept that the change removes a method that a write cannot set")
    .option("--yes", "change the user without a question")
    .addHelpText(
      "after",
      "\nWithout --yes the command shows the change and asks for confirmation. Without a terminal it then " +
        "changes nothing.",
    );
  printsResult(set, io, (opUin: Uin, switches: readonly UserSwitch[], options: SetOptions) =>
    setUser(opUin, switches, options, io),
  );
}

function ofUser(command: Command): Command {
  return withGateway(
    command
      .argument("<uin>", "the user", parseOpUin)
      .option("--account <name>", "the user's account in the gateway (default: default)"),
  );
}

function parseOpUin(text: string): Uin {
  const uin = parseUin(text);
  if (uin === undefined) throw new InvalidArgumentError(explainUin(text));
  return uin;
}

function clientOf({ url, headers }: GatewayConnection) {
  return createCamGatewayClient({ url: url.href, headers });
}

async function getUser(opUin: Uin, options: UserOptions, io: CommandIo): Promise<CommandResult> {
  const connection = gatewayOf(options, io.env);
  const user = await readUser(opUin, options, connection);
  return { lines: describeUser(user), result: user };
}

async function readUser(
  opUin: Uin,
  { account }: UserOptions,
  connection: GatewayConnection,
): Promise<SubUser> {
  const fieldErrors: unknown[] = [];
  const client = createCamGatewayClient({
    ...{ url: connection.url.href, headers: connection.headers },
    onFieldError: (error) => fieldErrors.push(error),
  });
  const signal = AbortSignal.timeout(connection.timeoutMs);
  const user = await client.subUser(opUin, { account, signal }).catch((error: unknown) => {
    throw redacted(explainFailedRead(error, connection), connection);
  });
  const [failed] = fieldErrors;
  if (failed !== undefined) throw redacted(explainFailedRead(failed, connection), connection);
  if (user === null) {
    throw new CommandError(`USER_NOT_EXIST: The account ${account ?? "default"} has no user ${opUin}.`, 1, {
      code: "USER_NOT_EXIST",
    });
  }
  return user;
}

async function setUser(
  opUin: Uin,
  switches: readonly UserSwitch[],
  options: SetOptions,
  io: CommandIo,
): Promise<CommandResult> {
  const wish = wishOf(switches);
  const connection = gatewayOf(options, io.env);
  if (options.yes !== true) {
    await askFirst(io, {
      show: async () => {
        const user = await readUser(opUin, options, connection);
        return [`At ${connection.url.href}:`, ...describeWish(user, switches)];
      },
      question: "Change this user? [y/N] ",
      nothing: "Nothing was changed",
    });
  }
  const { account, reason, overwriteOtherMethods, idempotencyKey = randomUUID() } = options;
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(connection.timeoutMs)]);
  try {
    const payload = await clientOf(connection).setSubUserMfa(
      { opUin, account, ...wish, reason, overwriteOtherMethods },
      { signal, idempotencyKey },
    );
    const { requestId, camRequestId, resolvedBy, change, subUser } = payload;
    return {
      lines: [
        `The change of ${opUin} has taken effect (known by ${resolvedBy}).`,
        `request id ${requestId}, CAM's request id ${camRequestId ?? "unknown"}, change ${change?.id ?? "unknown"}`,
        ...describeUser(subUser),
      ],
      result: { idempotencyKey, requestId, camRequestId, resolvedBy, change, subUser },
    };
  } catch (error) {
    throw redacted(explainFailedChange(error, connection, idempotencyKey), connection);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

const PROTECTIONS = ["login", "action"] as const;
const WRITABLE = ["phone", "stoken", "wechat"] as const;

/** One method of one protection, to switch on or off: `login.phone.on`, as in a policy. */
export interface UserSwitch {
  readonly protection: (typeof PROTECTIONS)[number];
  readonly method: (typeof WRITABLE)[number];
  readonly on: boolean;
}

const SWITCH = new RegExp(`^(${PROTECTIONS.join("|")})\\.(${WRITABLE.join("|")})\\.(on|off)$`);

/** Parses a switch and adds it to the previous ones. @throws InvalidArgumentError */
export function collectSwitch(text: string, previous: readonly UserSwitch[] = []): readonly UserSwitch[] {
  const [, protection, method, state] = SWITCH.exec(text) ?? [];
  if (state === undefined) {
    throw new InvalidArgumentError(
      `Give ${PROTECTIONS.join(" or ")}, ${WRITABLE.join(", ")}, and on or off, for example login.phone.on.`,
    );
  }
  const parsed = { protection, method, on: state === "on" } as UserSwitch;
  return [...previous, parsed];
}

/** Returns the arguments of the mutation. @throws CommandError for a method that is named twice. */
export function wishOf(switches: readonly UserSwitch[]): Pick<SetSubUserMfaInput, "login" | "action"> {
  const names = switches.map(nameOf);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new CommandError(`${twice} is named twice. Give each method once.`);
  const of = (wanted: UserSwitch["protection"]) => {
    const methods = switches.filter(({ protection }) => protection === wanted);
    return methods.length === 0
      ? undefined
      : Object.fromEntries(methods.map(({ method, on }) => [method, on]));
  };
  return { login: of("login"), action: of("action") };
}

function nameOf({ protection, method }: UserSwitch): string {
  return `${protection}.${method}`;
}

/** Describes the user and what a change would switch. */
function describeWish(user: SubUser, switches: readonly UserSwitch[]): string[] {
  const width = Math.max(...switches.map((one) => nameOf(one).length));
  return [
    titleOf(user),
    ...switches.map((one) => {
      const now = user.mfa?.[one.protection][one.method];
      return `  ${nameOf(one).padEnd(width)}  ${stateOf(now)} -> ${stateOf(one.on)}`;
    }),
  ];
}

/** Describes the user and the methods of both protections. */
function describeUser(user: SubUser | ChangedSubUser): string[] {
  const { mfa } = user;
  if (mfa === null) return [titleOf(user), "  The protections could not be read."];
  return [
    titleOf(user),
    ...PROTECTIONS.map((protection) => `  ${protection.padEnd(6)}  ${describeMethods(mfa[protection])}`),
    `  as of ${mfa.asOf}, by ${mfa.source}`,
  ];
}

/** Returns the methods that are on, and those that CAM does not report, such as "phone, stoken; unknown: mail". */
export function describeMethods(flags: LoginActionFlag): string {
  const on = Object.entries(flags).filter(([, state]) => state === true);
  const unknown = Object.entries(flags).filter(([, state]) => state === null);
  const names = (entries: typeof on) => entries.map(([name]) => name).join(", ");
  return [on.length === 0 ? "none" : names(on), unknown.length > 0 && `unknown: ${names(unknown)}`]
    .filter(Boolean)
    .join("; ");
}

function titleOf(user: SubUser | ChangedSubUser): string {
  const name = "name" in user && user.name !== null ? `${JSON.stringify(user.name)}, ` : "";
  return `user ${user.opUin} (${name}account ${user.account})`;
}

function stateOf(on: boolean | null | undefined): string {
  if (on === null || on === undefined) return "unknown";
  return on ? "on" : "off";
}
