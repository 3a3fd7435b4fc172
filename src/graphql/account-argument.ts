/** The argument by which a caller names an account, wherever one can. */
export const accountOptions = {
  nullable: true,
  description:
    "The account whose user it is, by its name in the gateway. Left out or null: the default account.",
} as const;
