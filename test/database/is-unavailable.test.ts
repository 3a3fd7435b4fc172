import { describe, expect, test } from "vitest";
import { isUnavailable } from "../../src/database/store-errors.ts";

function fromServer(code: string): Error {
  return Object.assign(new Error("as the server says"), { code, severity: "ERROR" });
}

describe("the store is unavailable", () => {
  test.each([
    ["connection_failure", "08006"],
    ["invalid_password", "28P01"],
    ["invalid_catalog_name", "3D000"],
    ["serialization_failure", "40001"],
    ["deadlock_detected", "40P01"],
    ["too_many_connections", "53300"],
    ["disk_full", "53100"],
    ["a database that allows no connections", "55000"],
    ["lock_not_available", "55P03"],
    ["query_canceled", "57014"],
    ["admin_shutdown", "57P01"],
    ["io_error", "58030"],
    ["data_corrupted", "XX001"],
    ["read_only_sql_transaction", "25006"],
    ["feature_not_supported, by a standby for unlogged tables", "0A000"],
    ["insufficient_privilege", "42501"],
    ["datatype_mismatch, after a migration changed the row of a function", "42804"],
  ])("if the server returns %s (%s)", (_, code) => {
    expect(isUnavailable(fromServer(code))).toBe(true);
  });

  test.each([
    Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    Object.assign(new Error("write EPIPE"), { code: "EPIPE" }),
    new Error("timeout exceeded when trying to connect"),
    new Error("Connection terminated unexpectedly"),
    new Error("Cannot use a pool after calling end on the pool"),
    new (class RuntimeError extends Error {})("unreachable"),
  ])("if no server answers: %s", (error) => {
    expect(isUnavailable(error)).toBe(true);
  });
});

describe("a fault of the gateway is not an outage", () => {
  test.each([
    ["invalid_text_representation", "22P02"],
    ["untranslatable_character", "22P05"],
    ["unique_violation", "23505"],
    ["check_violation", "23514"],
    ["a sealed record", "23001"],
    ["undefined_table", "42P01"],
    ["undefined_function", "42883"],
    ["syntax_error", "42601"],
    ["raise_exception", "P0001"],
    ["invalid_transaction_state", "25000"],
  ])("%s (%s)", (_, code) => {
    expect(isUnavailable(fromServer(code))).toBe(false);
  });

  test.each([new TypeError("x is not a function"), new RangeError("bad"), "a string", undefined])(
    "%s",
    (error) => {
      expect(isUnavailable(error)).toBe(false);
    },
  );
});
