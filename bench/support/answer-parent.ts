/** Answers one kind of request from the parent process. See `Program.ask`. */
export function answerParent<Question extends { readonly kind: string }>(
  kind: Question["kind"],
  answer: (question: Question) => number | string | Promise<number | string>,
): void {
  process.on("message", async (question: Question) => {
    if (question.kind === kind) process.send?.(await answer(question));
  });
}
