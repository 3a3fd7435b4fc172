import "reflect-metadata";
import { expect, test } from "vitest";
import type { DirectoryUser } from "../../../src/directory/directory.ts";
import type { GraphQLContext } from "../../../src/graphql/context.ts";
import { KnownSubUserResolver } from "../../../src/graphql/directory/known-sub-user.resolver.ts";
import type { Loaders } from "../../../src/graphql/loaders.ts";
import { subUserOf } from "../../../src/graphql/sub-user/sub-user.type.ts";
import { ALICE } from "../../support/seed-users.ts";

test("a user of the directory is not read from it again", async () => {
  const listed = { account: "default", opUin: ALICE, actionState: "PROTECTED" } as DirectoryUser;
  const of = () => expect.unreachable("The resolver reads the directory again.");
  const context = { loaders: { of } } as unknown as GraphQLContext;
  const user = subUserOf(listed, { profile: undefined } as unknown as Loaders);
  expect(await new KnownSubUserResolver().actionProtection(user, context)).toBe("PROTECTED");
});
