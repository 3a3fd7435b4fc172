import {
  CAM_ERROR_CATALOGUE,
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
  type CamErrorInfo,
} from "../../src/contract/index.ts";
import { HTTP_ERRORS } from "../../src/http/http-errors.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { errorGroups } from "./error-groups.ts";
import { errorsPageIntroduction } from "./errors-page-introduction.ts";
import { markdownTable } from "./markdown-table.ts";

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
