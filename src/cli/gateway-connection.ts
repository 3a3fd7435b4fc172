import { readFileSync } from "node:fs";
import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Command } from "commander";
import { decodeFile, whyUnreadable } from "../utf8.ts";
import { CommandError, type CommandIo, collect } from "./command.ts";
import { PATIENCE_SECONDS } from "./doctor/router-guides.ts";

/** The address of a running gateway or router, and how a command sends requests to it. */
export interface GatewayConnection {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** The options of a connection. Their values may be secrets, so no message repeats one. */
export interface ConnectionOptions {
  readonly tokenFile?: string;
  readonly header?: readonly string[];
  readonly timeout: string;
}

/** The address of local mode. */
const LOCAL_URL = new URL("http://127.0.0.1:4000/graphql");

/** The options of a command that calls a running gateway. */
export interface GatewayOptions extends ConnectionOptions {
  readonly url?: URL;
}

/** Adds the options for the address of a gateway, the login and the time of a request. */
export function withGateway(command: Command): Command {
  return withConnection(
    command.option("--url <url>", `the gateway (GATEWAY_URL; default: ${LOCAL_URL.href})`, (text) =>
      parseUrl(text, "--url"),
    ),
  );
}

/** Returns the gateway that a command calls. @throws CommandError that repeats no value. */
export function gatewayOf(options: GatewayOptions, env: CommandIo["env"]): GatewayConnection {
  return { url: readGatewayUrl(options.url, env), ...readConnection(options, env) };
}

/** Adds the options for the login and the time of a request. */
export function withConnection(command: Command): Command {
  return command
    .option("--token-file <file>", "a file with the bearer token (GATEWAY_TOKEN_FILE)")
    .option("--header <header>", "a header, 'name: value', or @FILE with headers; repeatable", collect)
    .option("--timeout <seconds>", "seconds for one request", String(PATIENCE_SECONDS))
    .addHelpText(
      "after",
      "\nThe list of processes shows arguments, so no option takes a token. GATEWAY_TOKEN may hold it.",
    );
}

/** Returns the headers and the time of requests. @throws CommandError that repeats no value. */
export function readConnection(
  { tokenFile, header = [], timeout }: ConnectionOptions,
  env: CommandIo["env"],
): Omit<GatewayConnection, "url"> {
  const token = readToken(tokenFile, env);
  const headers = Object.fromEntries(header.flatMap(readHeaders).map(parseHeader));
  if (token !== undefined && headers["authorization"] !== undefined) {
    throw new CommandError("Give the token or the header authorization, not both.");
  }
  const login = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return { headers: { ...login, ...headers }, timeoutMs: parseTimeout(timeout) };
}

/** Returns the address of the gateway. @throws CommandError */
function readGatewayUrl(url: URL | undefined, env: CommandIo["env"]): URL {
  const given = env["GATEWAY_URL"]?.trim();
  return url ?? (given ? parseUrl(given, "GATEWAY_URL") : LOCAL_URL);
}

/** Parses the address in an option or a variable of this name. @throws CommandError */
export function parseUrl(text: string, name: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(`${name} takes an http:// or https:// address.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new CommandError(`${name} takes an address without a login; use --token-file or --header.`);
  }
  return url;
}

function readToken(tokenFile: string | undefined, env: CommandIo["env"]): string | undefined {
  const { GATEWAY_TOKEN: token, GATEWAY_TOKEN_FILE: fileOfVariable } = env;
  if (tokenFile === undefined && token?.trim() && fileOfVariable?.trim()) {
    throw new CommandError("Set only one of GATEWAY_TOKEN and GATEWAY_TOKEN_FILE.");
  }
  const file = tokenFile ?? fileOfVariable?.trim();
  const text = file ? readText(file, "The token file").trim() : token?.trim();
  if (file && !text) throw new CommandError("The token file is empty.");
  if (text && !/^[\x21-\x7e]+$/.test(text)) {
    throw new CommandError("The token has characters that no token has. Give the token alone, in one line.");
  }
  return text || undefined;
}

/** Reads the headers from the file for `@file`, as curl does. Every user of the machine can see an argument. */
function readHeaders(text: string): readonly string[] {
  if (!text.startsWith("@")) return [text];
  return readText(text.slice(1), "--header @file: the file")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function readText(file: string, what: string): string {
  try {
    return decodeFile(readFileSync(file));
  } catch (error) {
    throw new CommandError(`${what} ${whyUnreadable(error)}.`);
  }
}

function parseHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0)).trim().toLowerCase();
  const value = text.slice(colon + 1).trim();
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new CommandError("--header takes 'name: value'.");
  }
  return [name, value];
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600)) throw new CommandError("--timeout takes seconds, up to 600.");
  return Math.ceil(seconds * 1_000);
}

/** The shortest value that is redacted. Shorter ones are not secrets, and redacting them would hide half the output. */
const SHORTEST_SECRET = 8;

/** Redacts the values of these headers: a server may repeat them in an error. */
export function withoutSecrets(text: string, headers: GatewayConnection["headers"]): string {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/).slice(1)])
    .filter((secret) => secret.length >= SHORTEST_SECRET);
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}
