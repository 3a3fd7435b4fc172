/** An error of a GraphQL reply, as far as it is one. */
export interface ReceivedError {
  readonly message?: unknown;
  readonly path?: unknown;
  readonly extensions: Readonly<Record<string, unknown>>;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function toReceivedError(value: unknown): ReceivedError {
  if (!isRecord(value)) return { extensions: {} };
  return { ...value, extensions: isRecord(value["extensions"]) ? value["extensions"] : {} };
}

/** The error that a router put inside this one, as Cosmo does. */
export function innerErrorOf({ extensions }: ReceivedError): ReceivedError | undefined {
  const { errors } = extensions;
  return Array.isArray(errors) && errors.length > 0 ? toReceivedError(errors[0]) : undefined;
}
