/** The words of a variable that is a list, with commas between them. */
export function wordsOf(list: string | undefined): readonly string[] | undefined {
  return list?.split(",").map((word) => word.trim());
}
