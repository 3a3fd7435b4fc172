import { METADATA_ORIGIN } from "../cam/index.ts";
import { Secret } from "../secret.ts";
import type { CamTarget } from "./cam-target.ts";
import { proxies } from "./proxies.ts";
import type { Environment, Variables } from "./variables.ts";

/** Where further accounts are described, and what the variables have to say of them. */
export interface AccountsTarget {
  readonly file: string;
  /** Local mode has an emulator for each account that has no endpoint. */
  readonly mode: "local" | "server";
  /** For accounts that do not say otherwise. */
  readonly ratePerSecond: number;
  readonly language: "en-US" | "zh-CN";
  readonly metadataOrigin: string;
  readonly proxy: CamTarget["proxy"];
  /** The value of a variable that the file names; undefined where it is not set. */
  readonly variable: (name: string) => Secret | undefined;
}

/** Further accounts; undefined where there is the default one alone. */
export function accountsTarget(
  vars: Variables,
  env: Environment,
  mode: "local" | "server",
): AccountsTarget | undefined {
  const { CAM_ACCOUNTS: file, CAM_METADATA_ENDPOINT: metadata } = vars;
  if (file === undefined) return undefined;
  const values = new Map(Object.entries(env).map(([name, value]) => [name, new Secret(value ?? "")]));
  return {
    ...{ file, mode },
    ratePerSecond: vars.CAM_RATE_PER_SECOND,
    language: vars.CAM_LANGUAGE,
    metadataOrigin: metadata?.replace(/\/$/, "") ?? METADATA_ORIGIN,
    proxy: proxies(env, []),
    variable: (name) => values.get(name),
  };
}
