import {
  ACCESS_ERRORS,
  INTERFACE_ERRORS,
  REQUEST_ERRORS,
  SERVICE_ERRORS,
  USER_ERRORS,
} from "../../src/contract/catalogue/cam-answers.ts";
import {
  CONNECTION_ERRORS,
  GUARD_RAILS,
  REFUSALS,
  ROLLOUT_REFUSALS,
} from "../../src/contract/catalogue/gateway-codes.ts";
import {
  CAM_ERROR_CATALOGUE,
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
  type CamErrorCode,
  type CamErrorInfo,
  createCamErrorExtensions,
  describeCamError,
} from "../../src/contract/index.ts";
import { HTTP_ERRORS } from "../../src/http/http-errors.ts";
import { GENERATED_NOTICE, markdownTable } from "./format.ts";

const camCodeIntroduction = `\
A code covers its sub-codes too, except those with a row of their own: \`AuthFailure\` also covers
\`AuthFailure.TokenFailure\`. Every other code becomes [CAM_UNKNOWN_ERROR](#cam_unknown_error).`;

/** Codes of Apollo Server for requests that fail before execution. */
const GRAPHQL_CODES = [
  ["GRAPHQL_PARSE_FAILED", "The document has a mistake in its syntax, or too many tokens."],
  [
    "GRAPHQL_VALIDATION_FAILED",
    "The document is not valid for the schema. Or it requests the schema while introspection is off, an answer that is too large, or more calls of Tencent Cloud than an operation has time for.",
  ],
  ["BAD_USER_INPUT", "A variable, an argument or a representation has an invalid value."],
  [
    "OPERATION_RESOLUTION_FAILURE",
    "The document has several operations, and the request names none of them.",
  ],
] as const;

/** Returns docs/errors.md. The heading of each code is an anchor: `errors.md#user_not_bind_phone`. */
export function renderErrorsPage(): string {
  const blocks = [
    errorsPageIntroduction,
    "## Categories",
    markdownTable(["Category", "Meaning"], Object.entries(CAM_ERROR_CATEGORY_DESCRIPTIONS)),
    "## Codes at a glance",
    ...errorGroups.flatMap(({ title, errors }) => [`### ${title}`, codeTable(errors)]),
    "## Tencent Cloud's codes",
    camCodeIntroduction,
    camCodeTable(),
    "## Before an operation is run",
    "GraphQL's own errors have HTTP 200 as `application/json`, and 400 as `application/graphql-response+json`:",
    markdownTable(
      ["Code", "Meaning"],
      GRAPHQL_CODES.map(([code, meaning]) => [quote(code), meaning]),
    ),
    "Errors of HTTP, in the same form:",
    markdownTable(
      ["Status", "Code", "Meaning"],
      Object.entries(HTTP_ERRORS).map(([code, { status, meaning }]) => [
        String(status),
        quote(code),
        meaning,
      ]),
    ),
    "## Codes in full",
    ...CAM_ERROR_CATALOGUE.map(section),
  ];
  const page = [`<!-- ${GENERATED_NOTICE} -->`, "# Errors", contentsOf(blocks), ...blocks];
  return `${page.join("\n\n")}\n`;
}

/** Returns the list of the headings among these blocks. The sections of single codes are not headings alone. */
function contentsOf(blocks: readonly string[]): string {
  const items = blocks.flatMap((block) => {
    const [, level = "", title = ""] = /^##(#?) (.+)$/.exec(block) ?? [];
    const anchor = title.toLowerCase().replaceAll("'", "").replaceAll(" ", "-");
    return title === "" ? [] : [`${level === "" ? "" : "  "}- [${title}](#${anchor})`];
  });
  return `Contents:\n\n${items.join("\n")}`;
}

function codeTable(errors: readonly CamErrorInfo[]): string {
  return markdownTable(
    ["Code", "Category", "Retryable", "Message"],
    errors.map((info) => [link(info.code), info.category, yesOrNo(info.retryable), info.message]),
  );
}

function camCodeTable(): string {
  const rows = CAM_ERROR_CATALOGUE.flatMap(({ code, camCodes }) =>
    camCodes.map((camCode) => [quote(camCode), link(code)] as const),
  );
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return markdownTable(["Tencent Cloud", "Gateway"], rows);
}

function section({ code, category, retryable, message, remedy, camCodes }: CamErrorInfo): string {
  const facts = [
    `**What to do:** ${remedy}`,
    `**Category:** ${category}`,
    `**Retryable:** ${yesOrNo(retryable)}${category === "THROTTLED" ? ", after `retryAfterMs`" : ""}`,
  ];
  if (camCodes.length > 0) facts.push(`**Tencent Cloud's codes:** ${camCodes.map(quote).join(", ")}`);
  return `### ${code}\n\n${message}\n\n${facts.map((fact) => `- ${fact}`).join("\n")}`;
}

function link(code: string): string {
  return `[${code}](#${code.toLowerCase()})`;
}

function quote(text: string): string {
  return `\`${text}\``;
}

function yesOrNo(value: boolean): string {
  return value ? "yes" : "no";
}

const example = createCamErrorExtensions("USER_NOT_BIND_PHONE", {
  requestId: "0f4c2a9e-5d0b-4c0e-9a53-1f6a2f3b7c11",
  changeId: "01936e0c-5f7a-7c3e-9d54-3b1f0a6c2e88",
  opUin: "100021969091",
  cam: {
    code: "FailedOperation.UserNotBindPhone",
    action: "SetMfaFlag",
    requestId: "7a1d9a52-6e0c-4a39-8f6b-0a2c5de1b7f4",
  },
});

/** The introduction of docs/errors.md. */
const errorsPageIntroduction = `\
Every deliberate error of the gateway has a code from this page, and HTTP status 200. It reaches the caller in one of two
ways:

- \`setSubUserMfa\` and all queries put it into \`errors[]\`. \`message\` is for people, and \`extensions\` is for programs.
- \`trySetSubUserMfa\` returns it as data, as a \`CamFailure\`. Prefer this behind a federated router. Many routers replace
  the message and remove the extensions of a subgraph's error. No router alters data.

An error has these extensions. [schema/error-extensions.schema.json](../schema/error-extensions.schema.json) has their
exact shape for every code.

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`

You can rely on these rules:

- **Decide by \`code\`, or by \`category\` for codes that you do not handle.** New codes appear without notice, each with one
  of the categories below. Never decide by \`message\`, because its wording changes.
- **\`retryable\` means that the same request may succeed later without any other action.** The gateway has already retried
  what is safe. Wait for \`retryAfterMs\` if the error has it, and longer each time.
- **\`requestId\` is the gateway's id, and \`cam.requestId\` is Tencent Cloud's.** The first one finds the gateway's log
  lines. Tencent Cloud's support asks for the second one.
- **The gateway never guesses an outcome.** It reports a refusal only with proof that the change was not and will not be
  applied. Without proof of either outcome at the deadline, the change is [OUTCOME_UNKNOWN](#outcome_unknown), with CAM's
  last code if CAM returned one. The gateway keeps reading the user. A repeated request with the same idempotency key,
  and \`mfaChange(id)\`, return the latest status.

GraphQL's own errors keep the codes of Apollo Server. A request that is not a GraphQL request has its own HTTP status. See
[before an operation is run](#before-an-operation-is-run). All of these errors carry \`requestId\`.`;

/** The catalogue under the headings of the documentation. */
const GROUPS = {
  "About the user": USER_ERRORS,
  "Tencent Cloud cannot carry it out": SERVICE_ERRORS,
  "Tencent Cloud does not accept the request": REQUEST_ERRORS,
  "Tencent Cloud refuses the gateway": ACCESS_ERRORS,
  "Tencent Cloud does not offer the interface": INTERFACE_ERRORS,
  "The gateway refuses": REFUSALS,
  "A person has to decide": GUARD_RAILS,
  Rollouts: ROLLOUT_REFUSALS,
  "Tencent Cloud gives no usable answer": CONNECTION_ERRORS,
};

export const errorGroups: readonly { readonly title: string; readonly errors: readonly CamErrorInfo[] }[] =
  Object.entries(GROUPS).map(([title, rows]) => ({
    title,
    errors: Object.keys(rows).map((code) => describeCamError(code as CamErrorCode)),
  }));
