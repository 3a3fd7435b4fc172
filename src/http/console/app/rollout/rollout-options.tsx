import type { PlanMfaRolloutInput } from "../../../../client/index.ts";
import { Check, Field } from "../form-fields.tsx";

/** The options of a rollout as typed. */
interface RolloutOptions {
  readonly failures: string;
  readonly failuresUnit: "count" | "percent";
  /** The sizes of the first waves, such as "10, 100". */
  readonly waves: string;
  readonly holdHours: string;
  readonly waitsForRelease: boolean;
  readonly includesAtRisk: boolean;
  readonly hasWindow: boolean;
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

const DAY_TITLES: Readonly<Record<(typeof DAYS)[number], string>> = {
  Mon: "Monday",
  Tue: "Tuesday",
  Wed: "Wednesday",
  Thu: "Thursday",
  Fri: "Friday",
  Sat: "Saturday",
  Sun: "Sunday",
};

export const NO_OPTIONS: RolloutOptions = {
  ...{ failures: "0", failuresUnit: "count", waves: "", holdHours: "0", waitsForRelease: false },
  ...{ includesAtRisk: false, hasWindow: false, days: DAYS.slice(0, 5), from: "09:00", to: "17:00" },
  timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
};

/** Returns the options as the gateway takes them. The gateway checks their values. */
export function optionsOf(
  options: RolloutOptions,
): Pick<PlanMfaRolloutInput, "maxFailures" | "waves" | "window" | "includeAtRisk"> {
  const { failures, failuresUnit, waves, holdHours, waitsForRelease, includesAtRisk, hasWindow } = options;
  const { days, from, to, timeZone } = options;
  return {
    maxFailures: { [failuresUnit]: Number(failures) },
    waves: waves
      .split(/[\s,;]+/)
      .filter((size) => size !== "")
      .map((size) => ({
        users: Number(size),
        holdHours: Number(holdHours),
        waitForRelease: waitsForRelease,
      })),
    window: hasWindow ? { days, from, to, timeZone } : null,
    includeAtRisk: includesAtRisk,
  };
}

interface RolloutOptionsFieldsProps {
  readonly options: RolloutOptions;
  readonly onOptions: (options: RolloutOptions) => void;
}

/** The error budget, the waves, the users at risk, and the time window. */
export function RolloutOptionsFields({ options, onOptions }: RolloutOptionsFieldsProps) {
  const set = (next: Partial<RolloutOptions>) => onOptions({ ...options, ...next });
  return (
    <>
      <div className="filters">
        <Field label="Failures before it stops">
          {(id) => (
            <input
              id={id}
              type="number"
              min={0}
              required
              value={options.failures}
              onChange={({ target }) => set({ failures: target.value })}
            />
          )}
        </Field>
        <Field label="Counted as">
          {(id) => (
            <select
              id={id}
              value={options.failuresUnit}
              onChange={({ target }) => set({ failuresUnit: target.value as RolloutOptions["failuresUnit"] })}
            >
              <option value="count">users</option>
              <option value="percent">% of the users</option>
            </select>
          )}
        </Field>
        <Field label="First waves, in users">
          {(id) => (
            <input
              id={id}
              placeholder="10, 100"
              pattern="[\d\s,;]*"
              value={options.waves}
              onChange={({ target }) => set({ waves: target.value })}
            />
          )}
        </Field>
        <Field label="Hours between waves">
          {(id) => (
            <input
              id={id}
              type="number"
              min={0}
              required
              value={options.holdHours}
              onChange={({ target }) => set({ holdHours: target.value })}
            />
          )}
        </Field>
      </div>
      <Check
        label="A person starts each next wave"
        checked={options.waitsForRelease}
        onCheck={(waitsForRelease) => set({ waitsForRelease })}
      />
      <Check
        label="Change users at risk too: it is not known whether they can still sign in"
        checked={options.includesAtRisk}
        onCheck={(includesAtRisk) => set({ includesAtRisk })}
      />
      <Check
        label="Only in a time window"
        checked={options.hasWindow}
        onCheck={(hasWindow) => set({ hasWindow })}
      />
      {options.hasWindow && <WindowFields options={options} onOptions={onOptions} />}
    </>
  );
}

function WindowFields({ options, onOptions }: RolloutOptionsFieldsProps) {
  const { days, from, to, timeZone } = options;
  const set = (next: Partial<RolloutOptions>) => onOptions({ ...options, ...next });
  const time = (name: "from" | "to", label: string, value: string) => (
    <Field label={label}>
      {(id) => (
        <input
          id={id}
          type="time"
          required
          value={value}
          onChange={({ target }) => set({ [name]: target.value })}
        />
      )}
    </Field>
  );
  return (
    <>
      <fieldset className="days">
        <legend>Days</legend>
        {DAYS.map((day) => (
          <Check
            key={day}
            label={DAY_TITLES[day]}
            checked={days.includes(day)}
            onCheck={(isOn) =>
              set({ days: DAYS.filter((each) => (each === day ? isOn : days.includes(each))) })
            }
          />
        ))}
      </fieldset>
      <div className="filters">
        {time("from", "From", from)}
        {time("to", "To", to)}
        <Field label="Time zone">
          {(id) => (
            <input
              id={id}
              required
              value={timeZone}
              onChange={({ target }) => set({ timeZone: target.value.trim() })}
            />
          )}
        </Field>
      </div>
    </>
  );
}
