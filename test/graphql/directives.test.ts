import { type DirectiveNode, graphql, Kind, parse, print } from "graphql";
import { expect, test } from "vitest";
import { gatewaySchema } from "../../src/graphql/schema.ts";

/** The SDL that a router gets. Every layer from the decorators to the SDL could lose a directive. */
const { data } = await graphql({ schema: gatewaySchema(), source: "{ _service { sdl } }" });
const applied = directivesOf(
  (data as unknown as { readonly _service: { readonly sdl: string } })._service.sdl,
);

/** The scope, or the alternative scopes, that each field requires. */
const SCOPES: Readonly<Record<string, string>> = {
  "Query.auditEvents": "cam.audit:read",
  "Query.camQuota": "cam.quota:read",
  "Query.mfaChange": "cam.audit:read",
  "Query.mfaChanges": "cam.audit:read",
  "SetSubUserMfaPayload.change": "cam.audit:read",
  "Query.subUser": "cam.mfa:read",
  "Query.subUsers": "cam.mfa:read",
  ...Object.fromEntries(
    [
      ...["name", "uid", "remark", "userType", "createTime", "lastLoginTime", "lastLoginIp", "strength"],
      ...["loginProtection", "actionProtection", "knownMfa", "protectionsAsOf", "hasPhone", "hasEmail"],
      ...["consoleLogin", "availableMethods"],
    ].map((field) => [`SubUser.${field}`, "cam.mfa:read or cam.directory:read"]),
  ),
  "SubUser.mfa": "cam.mfa:read",
  "Query.subUserDirectory": "cam.directory:read",
  "Query.mfaDrift": "cam.directory:read",
  "Query.mfaCoverage": "cam.directory:read",
  "Query.directoryScans": "cam.directory:read",
  "Mutation.scanDirectory": "cam.directory:scan",
  "Mutation.pauseDirectoryScan": "cam.directory:scan",
  "Mutation.resumeDirectoryScan": "cam.directory:scan",
  "Mutation.setSubUserMfa": "cam.mfa:write",
  "Mutation.trySetSubUserMfa": "cam.mfa:write",
  "Mutation.approveMfaChange": "cam.mfa:approve",
  "Mutation.tryApproveMfaChange": "cam.mfa:approve",
  "Mutation.rejectMfaChange": "cam.mfa:approve or cam.mfa:write",
  "Query.mfaRollout": "cam.rollout:read",
  "Query.mfaRollouts": "cam.rollout:read",
  "Query.mfaRolloutBundle": "cam.rollout:read",
  ...Object.fromEntries(
    [
      ...["planMfaRollout", "planMfaRolloutUndo", "pauseMfaRollout", "resumeMfaRollout"],
      ...["cancelMfaRollout", "releaseMfaRolloutWave"],
    ].map((field) => [`Mutation.${field}`, "cam.rollout:write"]),
  ),
  "Mutation.startMfaRollout": "cam.mfa:write",
  "Mutation.approveMfaRollout": "cam.mfa:approve",
  "Mutation.rejectMfaRollout": "cam.mfa:approve or cam.rollout:write",
  "Query.pausedCallers": "cam.callers:resume",
  "Mutation.resumeCaller": "cam.callers:resume",
};

test("every field requires a token and a scope, except the error catalogue and the keys of an entity", () => {
  const scoped = applied.filter(({ directive }) => directive.startsWith("@requiresScopes"));
  expect(Object.fromEntries(scoped.map(({ place, directive }) => [place, directive]))).toEqual(
    Object.fromEntries(
      Object.entries(SCOPES).map(([place, scopes]) => {
        const anyOf = scopes.split(" or ").map((scope) => `["${scope}"]`);
        return [place, `@requiresScopes(scopes: [${anyOf.join(", ")}])`];
      }),
    ),
  );
  const authenticated = applied.filter(({ directive }) => directive === "@authenticated");
  expect(authenticated.map(({ place }) => place).toSorted()).toEqual(Object.keys(SCOPES).toSorted());
});

test("a field that calls CAM has the number of calls as its cost, and every other field costs 0", () => {
  const costs = applied.flatMap(({ place, directive }) => {
    const [, weight] = /^@cost\(weight: (\d+)\)$/.exec(directive) ?? [];
    return weight === undefined ? [] : [{ place, weight: Number(weight) }];
  });
  expect(costs.filter(({ weight }) => weight > 0)).toEqual([
    { place: "Query.subUser", weight: 1 },
    { place: "SubUser.mfa", weight: 1 },
    { place: "Mutation.setSubUserMfa", weight: 2 },
    { place: "Mutation.trySetSubUserMfa", weight: 2 },
    { place: "Mutation.approveMfaChange", weight: 2 },
    { place: "Mutation.tryApproveMfaChange", weight: 2 },
  ]);
  const free = costs.filter(({ weight }) => weight === 0).map(({ place }) => place);
  expect(free).toEqual(expect.arrayContaining([...objectTypes(), "Query.subUsers"]));
});

test("the entity has its key, the list its assumed size, and each field for operators its tag", () => {
  expect(applied).toContainEqual({ place: "SubUser", directive: '@key(fields: "opUin")' });
  expect(applied).toContainEqual({ place: "PageInfo", directive: "@shareable" });
  for (const place of ["Query.subUserDirectory", "Query.mfaChanges"]) {
    const sliced =
      'slicingArguments: ["first"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false';
    expect(applied).toContainEqual({ place, directive: `@listSize(${sliced})` });
  }
  expect(applied).toContainEqual({ place: "Query.subUsers", directive: "@listSize(assumedSize: 50)" });
  for (const place of ["Query.camQuota", "Query.pausedCallers", "Mutation.resumeCaller"]) {
    expect(applied).toContainEqual({ place, directive: '@tag(name: "internal")' });
  }
});

function objectTypes(): readonly string[] {
  const roots = ["Query", "Mutation"];
  return Object.values(gatewaySchema().getTypeMap())
    .filter(({ name, astNode }) => astNode?.kind === Kind.OBJECT_TYPE_DEFINITION && !/^_|^link__/.test(name))
    .map(({ name }) => name)
    .filter((name) => !roots.includes(name));
}

interface Applied {
  readonly place: string;
  readonly directive: string;
}

/** Returns the directives of types, fields and arguments, in the order of the document. */
function directivesOf(sdl: string): readonly Applied[] {
  const at = (place: string, directives: readonly DirectiveNode[] = []) =>
    directives.map((node) => ({ place, directive: print(node) }));
  return parse(sdl).definitions.flatMap((type) => {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION && type.kind !== Kind.OBJECT_TYPE_EXTENSION) return [];
    const ofFields = (type.fields ?? []).flatMap((field) => {
      const place = `${type.name.value}.${field.name.value}`;
      const ofArguments = (field.arguments ?? []).flatMap(({ name, directives }) =>
        at(`${place}(${name.value})`, directives),
      );
      return [...at(place, field.directives), ...ofArguments];
    });
    return [...at(type.name.value, type.directives), ...ofFields];
  });
}
