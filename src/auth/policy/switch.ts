/** `other` stands for the methods that a write cannot express and may take away. */
const METHODS = ["phone", "stoken", "wechat", "other"] as const;

export type Protection = "login" | "action";

/** One thing that a change may do: switch one method of one protection on or off. */
export type Switch = `${Protection}.${(typeof METHODS)[number]}.${"on" | "off"}`;

/** Every switch that a change can ask for; other methods cannot be switched on. */
export const SWITCHES: readonly Switch[] = (["login", "action"] as const).flatMap((protection) =>
  METHODS.flatMap((method) =>
    (method === "other" ? (["off"] as const) : (["on", "off"] as const)).map(
      (to) => `${protection}.${method}.${to}` as const,
    ),
  ),
);
