import { expect, test, vi } from "vitest";
import { profilePaths } from "../../src/config/credential-settings.ts";

const home = vi.hoisted(() => ({ homedir: (): string => "/home/ops" }));
vi.mock("node:os", async (original) => ({ ...(await original<object>()), homedir: () => home.homedir() }));

test("a profile is looked for in the home folder first", () => {
  expect(profilePaths()).toEqual(["/home/ops/.tencentcloud/credentials", "/etc/tencentcloud/credentials"]);
});

test("a user without a home folder has the profiles of the machine alone", () => {
  home.homedir = () => {
    throw Object.assign(new Error("A system error occurred: uv_os_homedir returned ENOENT"), {
      code: "ERR_SYSTEM_ERROR",
    });
  };
  expect(profilePaths()).toEqual(["/etc/tencentcloud/credentials"]);
});
