import { beforeAll, expect, test } from "vitest";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { asSubgraph, sendTo } from "../../support/started-router.ts";
import { putUsers } from "../support/put-users.ts";
import { ROUTER_SETTINGS } from "../support/routers.ts";
import { unwrapped } from "./stable.ts";

const SOUND = "100021970001";
const WITHOUT_PHONE = "100021970002";
const NOBODY = "100021970003";
const change = (opUin: string) => `setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy }`;
const OPERATION = `mutation { a: ${change(WITHOUT_PHONE)} b: ${change(SOUND)} c: ${change(NOBODY)} }`;

let gateway: StartedGateway;

beforeAll(async () => {
  gateway = await startGateway(UNLIMITED);
});

test.each(ROUTER_SETTINGS)(
  "of three changes in one operation through $id, two fail, each by an error of its own",
  async ({ start }) => {
    putUsers(gateway.cam, [SOUND]);
    putUsers(gateway.cam, [WITHOUT_PHONE], { phone: null });
    const { data, errors } = await sendTo(await start(asSubgraph(gateway)), OPERATION);
    expect(data).toEqual({ a: null, b: { resolvedBy: "REPLY" }, c: null });
    const each = errors.flatMap(unwrapped);
    expect(each.map(({ path }) => path).toSorted()).toEqual([["a"], ["c"]]);
    const codes = each.map(({ path, extensions = {} }) => [path?.[0], extensions["code"]]);
    for (const [path, code] of codes) {
      expect([path === "a" ? "USER_NOT_BIND_PHONE" : "USER_NOT_EXIST", undefined]).toContain(code);
    }
    expect(gateway.cam.user(SOUND)?.loginFlag.Phone).toBe(1);
  },
);
