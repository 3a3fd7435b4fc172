import type { MfaFlagState } from "../cam/index.ts";

export type MfaMethod = keyof MfaFlagState;

/** The bit of each method in the database (schema/migrations/0010_directory.sql). */
const BITS: Readonly<Record<MfaMethod, number>> = {
  phone: 1,
  token: 2,
  stoken: 4,
  wechat: 8,
  custom: 16,
  mail: 32,
  u2fToken: 64,
  passkey: 128,
};

const METHODS = Object.keys(BITS) as readonly MfaMethod[];

/** Returns the sum of the bits of methods. */
export function bitsOf(methods: readonly MfaMethod[]): number {
  return methods.reduce((sum, method) => sum | BITS[method], 0);
}

/** Returns the sum of the bits of all methods in a state: `true` for on, `undefined` for unreported. */
export function bitsInState(flags: MfaFlagState, state: true | undefined): number {
  return bitsOf(METHODS.filter((method) => flags[method] === state));
}

/**
 * Returns the methods of one protection from two sums of bits: methods that are on, and methods that CAM did not
 * report.
 */
export function flagsOf(on: number, unreported: number): MfaFlagState {
  const stateOf = (bit: number) => ((on & bit) > 0 ? true : (unreported & bit) > 0 ? undefined : false);
  return Object.fromEntries(
    METHODS.map((method) => [method, stateOf(BITS[method])]),
  ) as unknown as MfaFlagState;
}

/** UNKNOWN: never read, or no method is on and CAM left out one that every account has. */
export type ProtectionState = "PROTECTED" | "UNPROTECTED" | "UNKNOWN";

/** The methods that every account has: phone, stoken and WeChat. */
export const UNIVERSAL_METHODS = bitsOf(["phone", "stoken", "wechat"]);

/** Returns the state of one protection. Both sums are undefined if the gateway never read it. */
export function stateOf(on: number | undefined, unreported = 0): ProtectionState {
  if (on === undefined) return "UNKNOWN";
  if (on > 0) return "PROTECTED";
  return (unreported & UNIVERSAL_METHODS) > 0 ? "UNKNOWN" : "UNPROTECTED";
}

/** The strength of the weakest login method that is on. The index is the database's number of it. */
export const STRENGTHS = ["NONE", "SMS", "WECHAT_OR_MAIL", "TOTP", "HARDWARE"] as const;

export type Strength = (typeof STRENGTHS)[number] | "UNKNOWN";
