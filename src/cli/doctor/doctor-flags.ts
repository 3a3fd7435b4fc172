import { readFileSync } from "node:fs";
import { validateHeaderName, validateHeaderValue } from "node:http";
import { parseArgs } from "node:util";
import { decodeFile, whyUnreadable } from "../../utf8.ts";
import { UsageError } from "../command.ts";
import { PATIENCE_SECONDS } from "../routers/forwarded-headers.ts";
import type { RouterId } from "../routers/router-guide.ts";
import { ROUTER_GUIDES } from "../routers/router-guides.ts";
import type { Target } from "./probe.ts";

export interface DoctorFlags {
  readonly router: Target;
  readonly direct: Target | undefined;
  readonly kind: RouterId | undefined;
}

/**
 * Reads the flags of doctor; undefined where help is asked for.
 * @throws UsageError that never repeats what was given, which may be a token out of place.
 */
export function parseDoctorFlags(args: readonly string[]): DoctorFlags | undefined {
  const { values: flags, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      router: { type: "string" },
      direct: { type: "string" },
      header: { type: "string", multiple: true, default: [] },
      for: { type: "string" },
      timeout: { type: "string", default: String(PATIENCE_SECONDS) },
      help: { type: "boolean", short: "h" },
    },
  });
  if (flags.help) return undefined;
  if (positionals.length > 0) throw new UsageError("There is a word too many. Put a header in quotes.");
  if (flags.router === undefined) throw new UsageError("Say --router URL. Try --help.");
  const headers = Object.fromEntries(flags.header.flatMap(readHeaders).map(parseHeader));
  const timeoutMs = parseTimeout(flags.timeout);
  return {
    router: { url: parseUrl(flags.router, "--router"), headers, timeoutMs },
    direct:
      flags.direct === undefined
        ? undefined
        : { url: parseUrl(flags.direct, "--direct"), headers, timeoutMs },
    kind: parseKind(flags.for),
  };
}

function parseUrl(text: string, flag: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${flag} takes an http:// or https:// address.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(`${flag} takes an address without a login; use --header.`);
  }
  return url;
}

/** As for curl, `@file` stands for the lines of a file: what is an argument every user of the machine can see. */
function readHeaders(text: string): readonly string[] {
  if (!text.startsWith("@")) return [text];
  try {
    return decodeFile(readFileSync(text.slice(1)))
      .split("\n")
      .filter((line) => line.trim() !== "");
  } catch (error) {
    throw new UsageError(`--header @file: the file ${whyUnreadable(error)}.`);
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
    throw new UsageError("--header takes 'name: value'.");
  }
  return [name, value];
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600)) throw new UsageError("--timeout takes seconds, up to 600.");
  return Math.ceil(seconds * 1000);
}

function parseKind(text: string | undefined): RouterId | undefined {
  if (text === undefined) return undefined;
  const known = ROUTER_GUIDES.find(({ id }) => id === text)?.id;
  if (known === undefined) {
    throw new UsageError(`--for takes one of ${ROUTER_GUIDES.map(({ id }) => id).join(", ")}.`);
  }
  return known;
}
