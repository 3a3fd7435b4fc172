/** The eight methods that a read reports, in the vendor's order and spelling. */
export const READ_METHODS = [
  "Phone",
  "Token",
  "Stoken",
  "Wechat",
  "Custom",
  "Mail",
  "U2FToken",
  "Passkey",
] as const;
/** The three methods that SetMfaFlag can write. */
export const WRITE_METHODS = ["Phone", "Stoken", "Wechat"] as const;

type ReadMethod = (typeof READ_METHODS)[number];
type WriteMethod = (typeof WRITE_METHODS)[number];
type Flag = 0 | 1;
export type ProtectionFlags = Record<ReadMethod, Flag>;
/** One flag set of a write. An omitted method is absent. */
export type FlagWrite = Partial<Record<WriteMethod, Flag>>;

/**
 * Applies a write to one flag set. The vendor documents no rule for the methods that a write cannot name. The emulator
 * assumes: switching a method on switches them off; a write of zeros leaves them as they are.
 */
export function applyFlagWrite(
  current: ProtectionFlags,
  write: FlagWrite,
  omitted: "zero" | "unchanged",
): ProtectionFlags {
  const next = { ...current };
  for (const method of WRITE_METHODS)
    next[method] = write[method] ?? (omitted === "zero" ? 0 : current[method]);
  if (WRITE_METHODS.every((method) => next[method] === 0)) return next;
  const isWritable = (method: ReadMethod) => (WRITE_METHODS as readonly string[]).includes(method);
  for (const method of READ_METHODS) if (!isWritable(method)) next[method] = 0;
  return next;
}
