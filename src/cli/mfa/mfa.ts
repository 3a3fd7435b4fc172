import { randomUUID } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import { createCamGatewayClient, type SubUser } from "../../client/index.ts";
import { explainUin, parseUin, type Uin } from "../../contract/index.ts";
import { askFirst, CommandError, type CommandIo } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";
import {
  type GatewayConnection,
  type GatewayOptions,
  gatewayOf,
  withGateway,
} from "../gateway-connection.ts";
import { explainFailedChange, explainFailedRead, redacted } from "./explain-failure.ts";
import { collectSwitch, describeUser, describeWish, type UserSwitch, wishOf } from "./user-switches.ts";

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
