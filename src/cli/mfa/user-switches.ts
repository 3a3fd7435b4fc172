import { InvalidArgumentError } from "commander";
import type { ChangedSubUser, LoginActionFlag, SetSubUserMfaInput, SubUser } from "../../client/index.ts";
import { CommandError } from "../command.ts";

const PROTECTIONS = ["login", "action"] as const;
const WRITABLE = ["phone", "stoken", "wechat"] as const;

/** One method of one protection, to switch on or off: `login.phone.on`, as in a policy. */
export interface UserSwitch {
  readonly protection: (typeof PROTECTIONS)[number];
  readonly method: (typeof WRITABLE)[number];
  readonly on: boolean;
}

const SWITCH = new RegExp(`^(${PROTECTIONS.join("|")})\\.(${WRITABLE.join("|")})\\.(on|off)$`);

/** Parses a switch and adds it to the previous ones. @throws InvalidArgumentError */
export function collectSwitch(text: string, previous: readonly UserSwitch[] = []): readonly UserSwitch[] {
  const [, protection, method, state] = SWITCH.exec(text) ?? [];
  if (state === undefined) {
    throw new InvalidArgumentError(
      `Give ${PROTECTIONS.join(" or ")}, ${WRITABLE.join(", ")}, and on or off, for example login.phone.on.`,
    );
  }
  const parsed = { protection, method, on: state === "on" } as UserSwitch;
  return [...previous, parsed];
}

/** Returns the arguments of the mutation. @throws CommandError for a method that is named twice. */
export function wishOf(switches: readonly UserSwitch[]): Pick<SetSubUserMfaInput, "login" | "action"> {
  const names = switches.map(nameOf);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new CommandError(`${twice} is named twice. Give each method once.`);
  const of = (wanted: UserSwitch["protection"]) => {
    const methods = switches.filter(({ protection }) => protection === wanted);
    return methods.length === 0
      ? undefined
      : Object.fromEntries(methods.map(({ method, on }) => [method, on]));
  };
  return { login: of("login"), action: of("action") };
}

function nameOf({ protection, method }: UserSwitch): string {
  return `${protection}.${method}`;
}

/** Describes the user and what a change would switch. */
export function describeWish(user: SubUser, switches: readonly UserSwitch[]): string[] {
  const width = Math.max(...switches.map((one) => nameOf(one).length));
  return [
    titleOf(user),
    ...switches.map((one) => {
      const now = user.mfa?.[one.protection][one.method];
      return `  ${nameOf(one).padEnd(width)}  ${stateOf(now)} -> ${stateOf(one.on)}`;
    }),
  ];
}

/** Describes the user and the methods of both protections. */
export function describeUser(user: SubUser | ChangedSubUser): string[] {
  const { mfa } = user;
  if (mfa === null) return [titleOf(user), "  The protections could not be read."];
  return [
    titleOf(user),
    ...PROTECTIONS.map((protection) => `  ${protection.padEnd(6)}  ${describeMethods(mfa[protection])}`),
    `  as of ${mfa.asOf}, by ${mfa.source}`,
  ];
}

/** Returns the methods that are on, and those that CAM does not report, such as "phone, stoken; unknown: mail". */
export function describeMethods(flags: LoginActionFlag): string {
  const on = Object.entries(flags).filter(([, state]) => state === true);
  const unknown = Object.entries(flags).filter(([, state]) => state === null);
  const names = (entries: typeof on) => entries.map(([name]) => name).join(", ");
  return [on.length === 0 ? "none" : names(on), unknown.length > 0 && `unknown: ${names(unknown)}`]
    .filter(Boolean)
    .join("; ");
}

function titleOf(user: SubUser | ChangedSubUser): string {
  const name = "name" in user && user.name !== null ? `${JSON.stringify(user.name)}, ` : "";
  return `user ${user.opUin} (${name}account ${user.account})`;
}

function stateOf(on: boolean | null | undefined): string {
  if (on === null || on === undefined) return "unknown";
  return on ? "on" : "off";
}
