/** Method, host, path and the parameters by name, with their values as they are: not encoded. */
export function v1StringToSign(
  method: string,
  host: string,
  path: string,
  parameters: ReadonlyMap<string, string>,
): string {
  const sorted = [...parameters].sort(([one], [other]) => (one < other ? -1 : 1));
  return `${method}${host}${path}?${sorted.map(([name, value]) => `${name}=${value}`).join("&")}`;
}
