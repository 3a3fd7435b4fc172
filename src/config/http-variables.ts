import { z } from "zod";
import { SCOPES } from "../auth/caller.ts";
import { integer, LOG_LEVELS, oneOf, text, type VariableGroup, wholeNumber } from "./variable-schemas.ts";

const GATEWAY = {
  title: "The gateway",
  variables: {
    HOST: z
      .string()
      .default("127.0.0.1")
      .describe("The address to listen on. Local mode accepts only 127.0.0.1, ::1 and localhost."),
    PORT: integer(0, 65_535, 4000).describe("The port to listen on. 0 takes a free port."),
    TLS_CERT_FILE: text.describe(
      "The TLS certificate with its chain, in PEM. Set it together with TLS_KEY_FILE to serve HTTPS. New connections " +
        "use a renewed file within ten seconds.",
    ),
    TLS_KEY_FILE: text.describe("The private key of the TLS certificate, in PEM."),
    PLAYGROUND: oneOf(["on", "off"]).optional().meta({
      description: "Whether to serve the playground, a page for browsers at /graphql.",
      otherwise: "on in local mode, off in server mode",
    }),
    CONSOLE: oneOf(["on", "off"]).optional().meta({
      description: "Whether to serve the console, a page for IAM teams at /console.",
      otherwise: "on in local mode, off in server mode",
    }),
    CONSOLE_CLIENT_ID: text.describe(
      "The console's client at AUTH_ISSUER: a public client with the redirect URI https://<gateway>/console, which uses " +
        "the authorization code flow with PKCE.",
    ),
    CONSOLE_SCOPE: z
      .string()
      .default(["openid", ...SCOPES].join(" "))
      .describe("The scopes that the console requests at the issuer, separated by spaces."),
    INTROSPECTION: oneOf(["on", "off"])
      .optional()
      .meta({ description: "Whether clients may query the schema.", otherwise: "as PLAYGROUND" }),
    CALLER_RATE_PER_SECOND: integer(0, 100_000, 100).describe(
      "Requests a second that one caller may send to this replica, averaged over ten seconds. 0 sets no " +
        "limit. Further requests get CALLER_RATE_LIMITED. CAM's own limit is separate.",
    ),
    MAX_CONNECTIONS: integer(1, 100_000, 1_000).describe(
      "The limit of open connections. At the limit the gateway closes an idle connection for a new one, " +
        "or refuses the new one. One address (one /64 in IPv6) gets a quarter of them; AUTH_PROXY_ADDRESSES " +
        "are exempt from that share.",
    ),
    KEEP_ALIVE_TIMEOUT_S: integer(1, 86_400, 620).describe(
      "Seconds that a connection waits for its next request. Set it longer than the idle timeout of the load balancer " +
        "in front, which is at most 600 for common balancers. Otherwise the balancer sends requests on connections " +
        "that the gateway is closing.",
    ),
    TRUSTED_DOCUMENTS: oneOf(["off", "audit", "enforce"])
      .default("off")
      .describe(
        "Whether each operation must be in TRUSTED_DOCUMENTS_FILE. audit logs other operations and runs " +
          "them. Leave it off behind a router, because routers generate their own operations.",
      ),
    TRUSTED_DOCUMENTS_FILE: text.describe(
      'The manifest of trusted documents. Apollo\'s tools write {"operations": [{"id", "body"}]}, Relay\'s write ' +
        '{"<id>": "<body>"}.',
    ),
    LOG_LEVEL: oneOf(LOG_LEVELS)
      .default("info")
      .describe(
        "The lowest level of log lines. debug includes successful calls to CAM. The log is one JSON object a line on " +
          "standard output; local mode at a terminal writes human-readable lines.",
      ),
  },
} satisfies VariableGroup;

const ADMIN = {
  title: "The admin port",
  introduction:
    "The admin port serves health, metrics and the version to the operator's own tools, without authentication. See " +
    "docs/operators/health.md.",
  variables: {
    ADMIN_HOST: z
      .string()
      .default("127.0.0.1")
      .describe(
        "The address of the admin port. The port has no authentication, so restrict other addresses than " +
          "loopback by a network policy.",
      ),
    ADMIN_PORT: wholeNumber(0, 65_535).optional().meta({
      description: "The admin port. 0 takes a free port.",
      otherwise: "9464 in server mode, none in local mode",
    }),
  },
} satisfies VariableGroup;

/** The variables of the gateway's two ports. */
export const HTTP_VARIABLES = [GATEWAY, ADMIN] as const;
