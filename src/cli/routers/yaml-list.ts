/** The items as a YAML list in block style, indented by so many spaces. */
export function yamlList(items: readonly string[], indent: number): string {
  return items.map((item) => `${" ".repeat(indent)}- ${item}`).join("\n");
}
