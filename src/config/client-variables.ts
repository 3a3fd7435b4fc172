import { text, type VariableGroup } from "./variable-schemas.ts";

/** The variables of the commands that call a running gateway. The gateway accepts them in its environment. */
export const CLIENT_VARIABLES = {
  title: "Commands that call a running gateway",
  introduction:
    "cam-gateway doctor, mfa, report and rollout use these variables. Their options override them. The gateway ignores them.",
  variables: {
    GATEWAY_URL: text.meta({
      description: "The GraphQL address of the gateway, as --url.",
      otherwise: "http://127.0.0.1:4000/graphql, the address of local mode",
    }),
    GATEWAY_TOKEN: text.describe("The bearer token that the command sends."),
    GATEWAY_TOKEN_FILE: text.meta({
      description: "A file with that token, as --token-file.",
      excludes: "GATEWAY_TOKEN",
    }),
  },
} satisfies VariableGroup;
