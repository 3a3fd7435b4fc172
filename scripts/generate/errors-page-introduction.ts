import { createCamErrorExtensions } from "../../src/contract/index.ts";

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
export const errorsPageIntroduction = `\
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
