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
Every error that the gateway raises on purpose has a code from this page. It reaches you in two ways, always with
HTTP status 200:

- \`setSubUserMfa\` and all queries put it into \`errors[]\`: \`message\` is a text for people, \`extensions\` is for
  programs.
- \`trySetSubUserMfa\` returns it as data, the type \`CamFailure\`. Prefer this behind a federated router: many routers
  replace the message and drop the extensions of a subgraph's error, and none of them touches data.

This is how the extensions of an error look. Their exact shape for every code is in
[schema/error-extensions.schema.json](../schema/error-extensions.schema.json).

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`

What to rely on:

- **Decide by \`code\`, or by \`category\` for codes that you do not handle one by one.** New codes appear without notice,
  each with one of the categories below. Never decide by \`message\`: its wording changes.
- **\`retryable\` says whether the same request may succeed later although nobody changed anything.** The gateway has
  already retried what was safe, so wait before you do: for \`retryAfterMs\` where it is given, and for longer each time.
- **\`requestId\` is the gateway's, \`cam.requestId\` is Tencent Cloud's.** The first finds the gateway's log lines, the
  second is what Tencent Cloud's support asks for.
- **An outcome is not guessed at.** A refusal of a change is reported only where it is proven that the change was not and
  will not be applied. Where neither that nor its being in force is proven by the deadline, the change is
  [OUTCOME_UNKNOWN](#outcome_unknown), with CAM's last code where there is one. The gateway goes on looking: a repetition
  with the same idempotency key, and \`mfaChange(id)\`, say what is known by then.

Errors of GraphQL itself keep the codes of Apollo Server, and a request that is none of GraphQL's has an HTTP status of
its own: see [before an operation is run](#before-an-operation-is-run). All of them carry \`requestId\`.`;
