/** Returns the forms of a secret in a text: plain, escaped, encoded, or as a part of an encoded text. */
export function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret, "utf8");
  return [
    ...new Set([
      secret,
      json,
      // A JSON text that is a text in another, as in a log line of an answer.
      JSON.stringify(json).slice(1, -1),
      encodeURIComponent(secret),
      new URLSearchParams({ s: secret }).toString().slice(2),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      ...[0, 1, 2].flatMap((offset) => [within(bytes, offset, "base64"), within(bytes, offset, "base64url")]),
    ]),
  ];
}

/** Returns the letters of a base64 text that depend on the secret alone, for its offset modulo three. */
function within(secret: Buffer, offset: number, encoding: "base64" | "base64url"): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), secret])
    .toString(encoding)
    .replace(/=+$/, "");
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + secret.length) * 8) / 6);
  return encoded.slice(first, last);
}
