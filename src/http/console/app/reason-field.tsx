import { useId } from "react";

interface ReasonFieldProps {
  readonly reason: string;
  readonly onReason: (reason: string) => void;
}

/** The reason of a change or decision, which the record keeps. */
export function ReasonField({ reason, onReason }: ReasonFieldProps) {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>Reason, for the record</label>
      <textarea
        id={id}
        rows={2}
        maxLength={500}
        value={reason}
        onChange={({ target }) => onReason(target.value)}
      />
    </>
  );
}
