import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/consumers/federation.md", "utf8");
const sdl = readFileSync("schema/subgraph.graphql", "utf8");

/** Returns the type and the directives of a field of the SDL, without its arguments. */
function fieldNamed(place: string): string {
  const [type, field] = place.split(".");
  const body = new RegExp(`^type ${type}\\b[^{]*\\{\\n(.*?)^\\}`, "ms").exec(sdl)?.[1] ?? "";
  return new RegExp(`^  ${field}(?:: |\\(.*?^  \\): )(.*)$`, "ms").exec(body)?.[1]?.split("\n")[0] ?? "";
}

test.each(
  [...page.matchAll(/^\| `(\w+\.\w+)` +\| (\d) +\|/gm)].map(([, place = "", weight]) => [place, weight]),
)("the page on federation has the cost of %s", (place, weight) =>
  expect(fieldNamed(place)).toContain(`@cost(weight: ${weight})`),
);

const scopes = readFileSync("docs/operators/authentication.md", "utf8");

test.each(
  [...scopes.matchAll(/^\| `(cam\.\w+:\w+)` +\|[^|]+\|(.*)\|$/gm)].flatMap(([, scope = "", places = ""]) =>
    [...places.matchAll(/`(\w+\.\w+)`/g)].map(([, place = ""]) => [place, scope]),
  ),
)("the page on authentication has the scope of %s", (place, scope) =>
  expect(fieldNamed(place)).toContain(`@requiresScopes(scopes: [["${scope}"]])`),
);
