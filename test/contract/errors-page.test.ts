import { describe, expect, test } from "vitest";
import { errorGroups, renderErrorsPage } from "../../scripts/generate/errors-page.ts";
import { CAM_ERROR_CATALOGUE, codeForCamCode, isCamErrorExtensions } from "../../src/contract/index.ts";

const page = renderErrorsPage();
const codes = CAM_ERROR_CATALOGUE.map(({ code }) => code);

describe("the page of errors", () => {
  test("has one section for each code, and each code in one group", () => {
    const headings = [...page.matchAll(/^### ([A-Z_]+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(codes);
    const grouped = errorGroups.flatMap(({ errors }) => errors.map(({ code }) => code));
    expect(grouped).toEqual(codes);
  });

  test("links only to headings that it has", () => {
    const anchors = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
        heading.toLowerCase().replaceAll("'", "").replaceAll(" ", "-"),
      ),
    );
    const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target);
    expect(targets.length).toBeGreaterThan(codes.length);
    expect(targets.filter((target) => !anchors.has(target ?? ""))).toEqual([]);
  });

  test("maps each code of CAM to a code of the gateway", () => {
    const rows = [...page.matchAll(/^\| `([A-Za-z.]+)` *\| \[([A-Z_]+)\]/gm)];
    expect(rows.length).toBe(CAM_ERROR_CATALOGUE.flatMap(({ camCodes }) => camCodes).length);
    for (const [, camCode = "", code] of rows) expect(codeForCamCode(camCode)).toBe(code);
  });

  test("shows a valid example of extensions", () => {
    const [, example = ""] = /```json\n(.*?)```/s.exec(page) ?? [];
    expect(isCamErrorExtensions(JSON.parse(example))).toBe(true);
  });
});
