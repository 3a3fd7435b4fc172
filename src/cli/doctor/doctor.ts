import { readFileSync } from "node:fs";
import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Command } from "commander";
import { decodeFile, whyUnreadable } from "../../utf8.ts";
import { CommandError, type CommandIo, collect, EX_CANNOT } from "../command.ts";
import { describeDiagnosis, isWhole } from "./describe-diagnosis.ts";
import { type Diagnosis, diagnose } from "./diagnose.ts";
import { PATIENCE_SECONDS, ROUTER_GUIDES, type RouterId } from "./router-guides.ts";

/** The options. Their parsers throw a CommandError: commander's error would repeat the value, perhaps a token. */
interface DoctorOptions {
  readonly router: URL;
  readonly direct?: URL;
  readonly header?: readonly string[];
  readonly for?: RouterId;
  readonly timeout: string;
}

/** Adds `doctor`, which reports what a router does to the gateway's errors. Never prints the value of a header. */
export function addDoctor(program: Command, io: CommandIo): void {
  program
    .command("doctor")
    .description(
      "Send two requests that change nothing through a federated router. Report what the router does to the gateway's " +
        "errors, and how to configure it.",
    )
    .requiredOption("--router <url>", "the router's GraphQL address", (text) => parseUrl(text, "--router"))
    .option("--header <header>", "a header, 'name: value', or @FILE with headers; repeatable", collect)
    .option("--direct <url>", "the gateway's own address, to compare with its real errors", (text) =>
      parseUrl(text, "--direct"),
    )
    .option("--for <router>", `the router, if doctor cannot guess it: ${ROUTER_IDS}`, parseRouter)
    .option("--timeout <seconds>", "the time for one request", String(PATIENCE_SECONDS))
    .addHelpText(
      "after",
      "\nUse --header @FILE for a token, because the list of processes shows arguments.\n\n" +
        "Exit codes: 0 every part of the errors arrives, 1 a part is lost or changed, 2 unknown.",
    )
    .action(async ({ router, direct, header = [], for: kind, timeout }: DoctorOptions) => {
      const headers = Object.fromEntries(header.flatMap(readHeaders).map(parseHeader));
      const timeoutMs = parseTimeout(timeout);
      const diagnosis = await diagnose(
        { url: router, headers, timeoutMs },
        direct && { url: direct, headers, timeoutMs },
      );
      const report = describeDiagnosis(diagnosis, kind).join("\n").trimEnd();
      io.stdout.write(`${withoutSecrets(report, headers)}\n`);
      io.exitCode = exitCodeOf(diagnosis);
    });
}

const ROUTER_IDS = ROUTER_GUIDES.map(({ id }) => id).join(", ");

function exitCodeOf({ channels }: Diagnosis): number {
  const verdicts = Object.values(channels);
  if (verdicts.every(isWhole)) return 0;
  return verdicts.some((verdict) => "findings" in verdict && !isWhole(verdict)) ? 1 : EX_CANNOT;
}

function parseUrl(text: string, flag: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(`${flag} takes an http:// or https:// address.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new CommandError(`${flag} takes an address without a login; use --header.`);
  }
  return url;
}

/** Reads the headers from the file for `@file`, as curl does. Every user of the machine can see an argument. */
function readHeaders(text: string): readonly string[] {
  if (!text.startsWith("@")) return [text];
  try {
    return decodeFile(readFileSync(text.slice(1)))
      .split("\n")
      .filter((line) => line.trim() !== "");
  } catch (error) {
    throw new CommandError(`--header @file: the file ${whyUnreadable(error)}.`);
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

function parseRouter(text: string): RouterId {
  const id = ROUTER_GUIDES.find((guide) => guide.id === text)?.id;
  if (id === undefined) throw new CommandError(`--for takes one of ${ROUTER_IDS}.`);
  return id;
}

/** The shortest value that is redacted. Shorter ones are not secrets, and redacting them would hide half the output. */
const SHORTEST_SECRET = 8;

/** Redacts the values of these headers: a router may repeat them in an error. */
function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/).slice(1)])
    .filter((secret) => secret.length >= SHORTEST_SECRET);
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}
