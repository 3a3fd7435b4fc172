import { Fragment } from "react";

/** A code or a name that breaks between its words where a line is too short for it. */
export function Breakable({ text }: { text: string }) {
  const words = text.split(/(?<=[_.])|(?<=[a-z])(?=[A-Z])/);
  return words.map((word, position) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the words of a text never change places.
    <Fragment key={position}>
      {position > 0 && <wbr />}
      {word}
    </Fragment>
  ));
}
