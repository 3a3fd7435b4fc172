import { refusals } from "../cam-refusals.ts";
import type { WireObject, WireValue } from "../wire/wire-json.ts";

const UINT64_MAX = 2n ** 64n - 1n;

/**
 * Reads one object of a request. Refuses a missing, mistyped or unknown parameter by its name.
 * Converts form and query values from text; JSON values must have the right type.
 */
export class ParameterReader {
  readonly #values: WireObject;
  readonly #format: "json" | "flat";
  readonly #prefix: string;
  readonly #known = new Set<string>();

  constructor(values: WireObject, format: "json" | "flat", prefix = "") {
    this.#values = values;
    this.#format = format;
    this.#prefix = prefix;
  }

  required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw refusals.missingParameter(this.#prefix + name);
    return value;
  }

  uint64(name: string): bigint | undefined {
    const value = this.#take(name);
    return value === undefined ? undefined : this.#toUint64(value, name);
  }

  /** Reads an integer that must be 0 or 1. */
  flag(name: string): 0 | 1 | undefined {
    const value = this.uint64(name);
    if (value === undefined) return undefined;
    if (value === 0n) return 0;
    if (value === 1n) return 1;
    throw refusals.parameterValue(this.#prefix + name);
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "string") return value;
    throw refusals.parameterType(this.#prefix + name);
  }

  uint64List(name: string): bigint[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const members = Array.isArray(value) ? value : this.#numberedMembers(value, name);
    return members.map((member, at) => this.#toUint64(member, `${name}.${at}`));
  }

  flagSet<T>(name: string, read: (reader: ParameterReader) => T): T | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw refusals.parameterType(this.#prefix + name);
    }
    const reader = new ParameterReader(value, this.#format, `${this.#prefix}${name}.`);
    const result = read(reader);
    reader.finish();
    return result;
  }

  /** Refuses unknown parameters. */
  finish(): void {
    const stranger = Object.keys(this.#values).find((name) => !this.#known.has(name));
    if (stranger !== undefined) throw refusals.unknownParameter(this.#prefix + stranger);
  }

  #take(name: string): WireValue | undefined {
    this.#known.add(name);
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  #toUint64(value: WireValue, name: string): bigint {
    const isDigits = this.#format === "flat" && typeof value === "string" && /^\d{1,20}$/.test(value);
    const integer = isDigits ? BigInt(value) : value;
    if (typeof integer === "bigint" && integer >= 0n && integer <= UINT64_MAX) return integer;
    throw refusals.parameterType(this.#prefix + name);
  }

  /** A flattened list, `List.0=a&List.1=b`, arrives as {0: a, 1: b}. */
  #numberedMembers(value: WireValue, name: string): WireValue[] {
    if (this.#format === "json" || typeof value !== "object" || value === null || Array.isArray(value)) {
      throw refusals.parameterType(this.#prefix + name);
    }
    const members = Object.keys(value).length;
    return Array.from({ length: members }, (_, at) => {
      const member = value[String(at)];
      if (member === undefined) throw refusals.parameterType(this.#prefix + name);
      return member;
    });
  }
}
