/** One part of a whole beside others who want so much: what they leave, and no less than an equal part. */
export function fairShare(whole: number, others: Iterable<number>): number {
  const wanted = [...others].sort((a, b) => a - b);
  let left = whole;
  let sharers = wanted.length + 1;
  for (const want of wanted) {
    if (want > left / sharers) break;
    left -= want;
    sharers -= 1;
  }
  return left / sharers;
}
