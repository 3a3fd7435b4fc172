import { z } from "zod";
import { uinSchema } from "./uin-schema.ts";

/** The vendor's own maximum: https://www.tencentcloud.com/document/product/1150/49456 */
export const MAX_SESSION_SECONDS = 43_200;

/** A role: whoever it trusts gets temporary keys that act in its name. */
export const roleSchema = z.strictObject({
  /** The vendor's ids are decimal strings, like Uins. */
  roleId: uinSchema,
  name: z.string().regex(/^[\w+=,.@-]{1,128}$/, "must be letters, digits and any of + = , . @ _ -"),
  /** The users whose keys may assume it. */
  trustedUins: z.array(uinSchema).default([]),
  /** The OIDC providers whose tokens may assume it. */
  identityProviders: z.array(z.string().min(1)).default([]),
  /** What AssumeRole has to bring as ExternalId; null asks for none. */
  externalId: z.string().min(1).nullable().default(null),
  maxSessionSeconds: z.int().positive().max(MAX_SESSION_SECONDS).default(MAX_SESSION_SECONDS),
});

export type Role = z.output<typeof roleSchema>;
