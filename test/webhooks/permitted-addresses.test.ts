import { describe, expect, test } from "vitest";
import { problemOfHost } from "../../src/webhooks/permitted-addresses.ts";

const STRICT = { loopback: false, private: false };

const refused = (host: string, rules = STRICT): boolean =>
  problemOfHost(new URL(`https://${host}/`), rules) !== undefined;

describe("an address", () => {
  test.each([...["8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]", "hooks.example.com"]])(
    "%s is permitted",
    (host) => {
      expect(refused(host)).toBe(false);
    },
  );

  test.each([
    // Link-local, with the metadata services of Tencent Cloud and others.
    ...["169.254.0.23", "169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]"],
    // Metadata services at other addresses.
    ...["100.100.100.200", "168.63.129.16", "[fd00:ec2::254]", "[fd20:ce::254]", "[::ffff:168.63.129.16]"],
    // Addresses of no host, or of many.
    ...["0.0.0.0", "[::]", "255.255.255.255", "224.0.0.1", "[ff02::1]", "240.0.0.1"],
    // Addresses that lead to another one through a translator or a tunnel.
    ...[
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]",
      "[2001::1]",
      "[::ffff:0:127.0.0.1]",
      "[::127.0.0.1]",
      "[4000::1]",
    ],
  ])("%s is refused whatever the rules", (host) => {
    expect(refused(host, { loopback: true, private: true })).toBe(true);
  });

  test.each([
    ...["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"],
    // Other notations of 127.0.0.1.
    ...["2130706433", "0x7f.1", "0177.0.0.1", "127.1"],
  ])("%s is permitted in local mode alone", (host) => {
    expect(refused(host)).toBe(true);
    expect(refused(host, { loopback: false, private: true })).toBe(true);
    expect(refused(host, { loopback: true, private: false })).toBe(false);
  });

  test.each([
    ...["10.0.0.8", "172.16.0.1", "192.168.1.1", "100.64.0.1", "[fd12:3456::1]", "[::ffff:10.0.0.8]"],
  ])("%s is permitted to a receiver with privateAddresses", (host) => {
    expect(refused(host)).toBe(true);
    expect(refused(host, { loopback: false, private: true })).toBe(false);
  });
});
