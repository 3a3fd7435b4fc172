/** Joins `count` pieces of a document, numbered from 0. */
export function many(count: number, write: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => write(at)).join(" ");
}

const METHODS = "{ phone: true, stoken: false, wechat: false }";
const PAYLOAD = "requestId resolvedBy subUser { opUin name }";

/** Returns a mutation of `count` changes with all their arguments. */
export function fullChanges(count: number, selections: "inline" | "fragment" = "inline"): string {
  const selected = selections === "inline" ? PAYLOAD : "...Payload";
  const changes = many(
    count,
    (at) =>
      `c${at}: setSubUserMfa(opUin: "${100_000 + at}", login: ${METHODS}, action: ${METHODS}, ` +
      `overwriteOtherMethods: false, reason: "ticket ${at}") { ${selected} }`,
  );
  const fragment = selections === "inline" ? "" : `fragment Payload on SetSubUserMfaPayload { ${PAYLOAD} }`;
  return `mutation { ${changes} } ${fragment}`;
}
