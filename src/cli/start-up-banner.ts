import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Config } from "../config/config.ts";
import type { GatewayAddress } from "../gateway/create-gateway.ts";

/** Returns the banner for the operator, once the gateway listens. */
export function startUpBanner(config: Config, { url, admin, emulators }: GatewayAddress): string {
  const emulator = emulators.get(DEFAULT_ACCOUNT);
  const inBrowser = config.http.playground ? "   (open it in a browser for the playground)" : "";
  const lines = ["", `CAM MFA gateway, ${config.mode} mode`, row("GraphQL", `${url}${inBrowser}`)];
  if (config.http.console !== undefined) lines.push(row("Console", `${new URL("/console", url)} for people`));
  if (emulator === undefined) {
    lines.push(row("CAM", camOf(config)));
  } else {
    lines.push(
      row("CAM", `an emulator on this machine, ${emulator.url}; nothing reaches Tencent Cloud`),
      row("Emulator", `${emulator.controlUrl} changes its users and faults (src/emulator/README.md)`),
    );
  }
  for (const [name, { url: at }] of emulators) {
    if (name !== DEFAULT_ACCOUNT) lines.push(row("Account", `${name}, an emulator of its own, ${at}`));
  }
  if (admin !== undefined) lines.push(row("Admin", `${admin} with /health/ready, /metrics and /version`));
  lines.push(row("Record", recordOf(config)), ...callersOf(config), ...policyOf(config), ...notesOf(config));
  if (config.mode === "local") lines.push("  Stop with Ctrl-C.");
  return `${lines.join("\n")}\n`;
}

/** Returns a summary of the configuration, for check-config. */
export function describeConfig(config: Config): string[] {
  const { host, port, playground, console } = config.http;
  return [
    row("Mode", config.mode),
    row(
      "GraphQL",
      `${host}, port ${port === 0 ? "chosen at the start" : port}; playground ${playground ? "on" : "off"}, console ${console === undefined ? "off" : "on"}`,
    ),
    row("CAM", config.cam === undefined ? "an emulator on this machine" : camOf(config)),
    ...(config.accounts === undefined ? [] : [row("Accounts", `further ones in ${config.accounts.file}`)]),
    row("Record", recordOf(config)),
    ...callersOf(config),
    ...policyOf(config),
    ...notesOf(config),
  ];
}

function camOf({ cam }: Config): string {
  const origin = cam?.endpoint.origin ?? "";
  const isTencent = /\.tencentcloudapi\.[a-z.]+(:\d+)?$/.test(origin);
  return `${isTencent ? "the REAL one" : "the one"} at ${origin}; changes take effect there`;
}

function recordOf({ store }: Config): string {
  return store.kind === "postgres" ? "in PostgreSQL" : `in the folder ${store.dataDir}`;
}

/** Returns how callers authenticate. In local mode without authentication, every caller is the developer. */
function callersOf({ auth }: Config): string[] {
  const { issuer, issuersFile, certificates } = auth ?? {};
  const known = [
    issuer && `tokens of ${issuer.issuer} for ${issuer.audiences.join(", ")}`,
    issuersFile && `tokens of the issuers in ${issuersFile}`,
    certificates && `client certificates, by the header ${certificates.header}`,
  ];
  return known.filter((text) => text !== undefined).map((text) => row("Callers", text));
}

/** Returns the policy's file. In local mode without one, scopes alone decide. */
function policyOf({ policyFile }: Config): string[] {
  return policyFile === undefined ? [] : [row("Policy", policyFile)];
}

function notesOf({ notices }: Config): string[] {
  return notices.map((notice) => row("Note", notice));
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(9)} ${text}`;
}
