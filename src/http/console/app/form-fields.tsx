import { type ReactNode, useId } from "react";

interface FieldProps {
  readonly label: string;
  readonly children: (id: string) => ReactNode;
}

/** A label with its control. */
export function Field({ label, children }: FieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}

interface CheckProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onCheck: (checked: boolean) => void;
}

export function Check({ label, checked, onCheck }: CheckProps) {
  return (
    <label className="consent">
      <input type="checkbox" checked={checked} onChange={({ target }) => onCheck(target.checked)} />
      {label}
    </label>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

export function TextField({ label, value, onValue }: TextFieldProps) {
  return (
    <Field label={label}>
      {(id) => <input id={id} value={value} onChange={({ target }) => onValue(target.value)} />}
    </Field>
  );
}

interface ChoiceProps extends TextFieldProps {
  readonly options: Readonly<Record<string, string>>;
}

/** A selection with "any" as its first option. */
export function Choice({ label, value, options, onValue }: ChoiceProps) {
  return (
    <Field label={label}>
      {(id) => (
        <select id={id} value={value} onChange={({ target }) => onValue(target.value)}>
          <option value="">any</option>
          {Object.entries(options).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

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
