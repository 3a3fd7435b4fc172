import { expect, test } from "vitest";
import { loadSeedFile } from "../../src/emulator/index.ts";
import { withGeneratedUsers } from "../../src/emulator/seed.ts";
import { callCam, codeOf } from "./call-cam.ts";
import { startEmulator } from "./start-emulator.ts";

interface Listed {
  readonly Uin: number;
  readonly Name?: string;
  readonly PhoneNum: string;
  readonly UserType: string;
}
interface Page {
  readonly Users: readonly Listed[];
  readonly IsTruncated: boolean;
  readonly Marker: string;
}

const startLarge = (users: number) => startEmulator({ seed: withGeneratedUsers(loadSeedFile(), users) });

test("ListAccounts returns every user once, by pages of at most 100", async () => {
  const emulator = await startLarge(250);
  const pages: Page[] = [];
  do {
    const marker = pages.at(-1)?.Marker;
    const parameters = { MaxItems: 100, ...(marker && { Marker: marker }) };
    pages.push((await callCam(emulator, "ListAccounts", parameters)) as unknown as Page);
  } while (pages.at(-1)?.IsTruncated);
  expect(pages.map(({ Users }) => Users.length)).toEqual([100, 100, 50]);
  expect(new Set(pages.flatMap(({ Users }) => Users.map(({ Uin }) => Uin))).size).toBe(250);
  expect(pages.at(-1)?.Marker).toBe("");
});

test("ListAccounts filters by type and masks phone numbers", async () => {
  const emulator = await startLarge(120);
  const { Users } = (await callCam(emulator, "ListAccounts", {
    UserType: "Collaborator",
  })) as unknown as Page;
  expect(Users.map(({ UserType }) => UserType)).toEqual(["Collaborator", "Collaborator"]);
  const all = (await callCam(emulator, "ListAccounts", {})) as unknown as Page;
  expect(all.Users.find(({ Name }) => Name === "carol")).toMatchObject({ PhoneNum: "138****93" });
});

test.each([{ MaxItems: 0 }, { MaxItems: 101 }, { Marker: "forged" }])(
  "ListAccounts refuses %o",
  async (parameters) => {
    expect(await codeOf(await startEmulator(), "ListAccounts", parameters)).toBe("InvalidParameterValue");
  },
);

test.each([
  ["half", 5, 5],
  ["repeated", 11, 10],
  ["zeroUin", 10, 10],
  ["nameless", 10, 10],
] as const)("an odd list is %s", async (oddity, length, uins) => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "oddList", oddity, times: 1 });
  const { Data } = (await callCam(emulator, "ListUsers", {})) as unknown as {
    readonly Data: readonly Listed[];
  };
  expect(Data).toHaveLength(length);
  expect(new Set(Data.map(({ Uin }) => Uin)).size).toBe(uins);
  expect(Data.some(({ Uin }) => Uin === 0)).toBe(oddity === "zeroUin");
  expect(Data.some(({ Name }) => Name === undefined)).toBe(oddity === "nameless");
  expect(emulator.control.journal()[0]).toMatchObject({ fault: "oddList", outcome: "Success" });
});

test("generated users are the same in every account of one size", () => {
  const [one, other] = [withGeneratedUsers(loadSeedFile(), 1000), withGeneratedUsers(loadSeedFile(), 1000)];
  expect(one).toEqual(other);
  expect(new Set(one.users.map(({ uin }) => uin)).size).toBe(1000);
  expect(new Set(one.users.map(({ name }) => name)).size).toBe(1000);
});
