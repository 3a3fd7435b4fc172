import { z } from "zod";
import { ACCOUNT_NAME } from "../auth/accounts.ts";
import { Secret, type SecretSource } from "../secret.ts";
import { type AddressRules, problemOfHost } from "../webhooks/permitted-addresses.ts";
import { EVENT_TYPES, type Receiver } from "../webhooks/receiver.ts";
import { hashOf, parseSettingsFile, secretPlace, variableReader } from "./settings-file.ts";
import type { ConfigInput, Mode } from "./variables.ts";

/** The file of WEBHOOKS_FILE. */
export interface WebhooksSettings {
  readonly file: string;
  /** In local mode a receiver may be on this machine. */
  readonly mode: Mode;
  /** Returns the value of a variable that the file names; undefined if it is not set. */
  readonly variable: (name: string) => Secret | undefined;
}

/** Returns undefined without WEBHOOKS_FILE. */
export function readWebhooksSettings({ vars, env, mode }: ConfigInput): WebhooksSettings | undefined {
  if (vars.WEBHOOKS_FILE === undefined) return undefined;
  return { file: vars.WEBHOOKS_FILE, mode, variable: variableReader(env) };
}

const list = <Item extends z.ZodType>(item: Item) =>
  z.array(item, { error: ({ input }) => (input === undefined ? "is missing" : "must be a list") });

const receiverSchema = z.strictObject({
  url: z.string("must be an https address").meta({
    description: "An https address without a user and a password. In local mode also http://localhost.",
  }),
  secrets: list(secretPlace)
    .min(1, "names no secret")
    .max(2, "names more than two secrets")
    .meta({ description: "The place of the secret that signs events. During a rotation, two places." }),
  events: list(z.enum(EVENT_TYPES, { error: `must be one of ${EVENT_TYPES.join(", ")}` }))
    .min(1, "names no type of event")
    .meta({ description: "The types of events to send." }),
  accounts: list(z.string().regex(ACCOUNT_NAME, "is not a valid account name"))
    .min(1, "names no account")
    .optional()
    .meta({ description: "The accounts whose events to send. Without it, all accounts." }),
  privateAddresses: z.boolean().default(false).meta({
    description: "Whether the receiver may have an address of a private network, such as 10.0.0.8.",
  }),
});

/** The file of WEBHOOKS_FILE. Its JSON Schema is `schema/webhooks.schema.json`. */
export const webhooksFileSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: "The address of this schema, for editors." }),
  receivers: z
    .record(
      z.string().regex(ACCOUNT_NAME, {
        error: "is not a valid name of a receiver: 1 to 40 small letters, digits and dashes",
      }),
      receiverSchema,
    )
    .refine((receivers) => Object.keys(receivers).length > 0, "names no receiver"),
});

/** Parses the text of WEBHOOKS_FILE, JSON or YAML. Adds mistakes to `problems`. */
export function parseWebhooksFile(
  text: string,
  settings: WebhooksSettings,
  problems: string[],
): readonly Receiver[] {
  const { data, report } = parseSettingsFile(text, ["WEBHOOKS_FILE", webhooksFileSchema], problems);
  return Object.entries(data?.receivers ?? {}).map(([name, entry]) => {
    const rules = { loopback: settings.mode === "local", private: entry.privateAddresses };
    const url = urlOf(entry.url, rules);
    if ("problem" in url) report(["receivers", name, "url"], url.problem);
    const secrets = entry.secrets.map((source, at): SecretSource => {
      if ("file" in source) return source;
      const found = settings.variable(source.variable);
      if (found === undefined)
        report(["receivers", name, "secrets", at, "variable"], `names ${source.variable}, which is not set`);
      return { value: found ?? new Secret("") };
    });
    return {
      ...entry,
      name,
      secrets,
      url: "url" in url ? url.url : NOWHERE,
      settings: hashOf(entry),
      accounts: entry.accounts,
    };
  });
}

/** The address of a receiver with a mistake, which is never used. */
const NOWHERE = new URL("https://invalid");

/** Returns the address, or its problem. The problem does not repeat it, because a path may be a secret. */
function urlOf(text: string, rules: AddressRules): { readonly url: URL } | { readonly problem: string } {
  const url = URL.parse(text);
  if (url === null) return { problem: "must be an https address" };
  if (url.username !== "" || url.password !== "")
    return { problem: "must have no user and no password: the signature proves the sender" };
  const isLocal = rules.loopback && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal)) {
    return {
      problem: `must be an https address${rules.loopback ? ", or an http address of localhost" : ""}`,
    };
  }
  const problem = problemOfHost(url, rules);
  return problem === undefined ? { url } : { problem };
}
