import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import {
  type AvailableMethod,
  CamGatewayError,
  type SetSubUserMfaInput,
  type SubUser,
  type SubUserMfa,
} from "../../../client/index.ts";
import { ReasonField } from "./form-fields.tsx";
import { Problem, useGateway } from "./gateway.tsx";
import {
  METHOD_ENUM,
  METHOD_TITLES,
  METHODS,
  PROTECTION_TITLES,
  PROTECTIONS,
  type ProtectionName,
  SWITCHABLE,
  type Switches,
} from "./texts.ts";

type Switchable = (typeof SWITCHABLE)[number];

const NOTHING: Switches = { login: {}, action: {} };

interface ProtectionsFormProps {
  readonly user: SubUser;
  readonly mfa: SubUserMfa;
  readonly onChanged: () => void;
}

/** The methods of both protections. A visitor switches some of them, gives a reason, and sends the change. */
export function ProtectionsForm({ user, mfa, onChanged }: ProtectionsFormProps) {
  const [wanted, setWanted] = useState<Switches>(NOTHING);
  const [reason, setReason] = useState("");
  const [givesUp, setGivesUp] = useState(false);
  // Repeating a change whose answer was lost does not make it twice. Another change has another key.
  const [idempotencyKey, setIdempotencyKey] = useState(() => crypto.randomUUID());
  const { client } = useGateway();
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (input: SetSubUserMfaInput) => client.setSubUserMfa(input, { idempotencyKey }),
    onSuccess: () => {
      edit(NOTHING);
      setReason("");
      setGivesUp(false);
      onChanged();
    },
    // A refused change can be on record too.
    onSettled: () => queries.invalidateQueries({ queryKey: ["mfaChanges"] }),
  });
  const count = PROTECTIONS.reduce((sum, name) => sum + Object.keys(wanted[name]).length, 0);

  function edit(next: Switches): void {
    setWanted(next);
    setIdempotencyKey(crypto.randomUUID());
  }

  function toggle(protection: ProtectionName, method: Switchable): void {
    const { [method]: switched, ...others } = wanted[protection];
    const next = switched === undefined ? { ...others, [method]: !mfa[protection][method] } : others;
    change.reset();
    edit({ ...wanted, [protection]: next });
  }

  function send(event: FormEvent): void {
    event.preventDefault();
    change.mutate({
      opUin: user.opUin,
      account: user.account,
      ...wanted,
      overwriteOtherMethods: givesUp,
      reason: reason.trim() || null,
    });
  }

  return (
    <form onSubmit={send} aria-label={`Protections of ${user.name ?? user.opUin}`}>
      <table className="protections">
        <thead>
          <tr>
            <th scope="col">Method</th>
            {PROTECTIONS.map((name) => (
              <th key={name} scope="col">
                {PROTECTION_TITLES[name]}
              </th>
            ))}
            <th scope="col">Can be switched on</th>
          </tr>
        </thead>
        <tbody>
          {METHODS.map((method) => (
            <tr key={method}>
              <th scope="row">{METHOD_TITLES[method]}</th>
              {PROTECTIONS.map((name) => (
                <td key={name} data-label={PROTECTION_TITLES[name]}>
                  {isSwitchable(method) ? (
                    <MethodSwitch
                      label={`${PROTECTION_TITLES[name]} protection: ${METHOD_TITLES[method]}`}
                      current={mfa[name][method]}
                      wanted={wanted[name][method]}
                      onToggle={() => toggle(name, method)}
                    />
                  ) : (
                    <span className="state">{stateOf(mfa[name][method])}</span>
                  )}
                </td>
              ))}
              <td className="quiet" data-label="Can be switched on">
                <Availability
                  method={user.availableMethods?.find((known) => known.method === METHOD_ENUM[method])}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {count > 0 && (
        <SendPart
          label={`Send ${count === 1 ? "the switch" : `${count} switches`}`}
          isSending={change.isPending}
          reason={reason}
          onReason={setReason}
          consent={
            change.error instanceof CamGatewayError && change.error.code === "MFA_METHOD_NOT_WRITABLE"
              ? { given: givesUp, onGiven: setGivesUp }
              : undefined
          }
          onDiscard={() => {
            edit(NOTHING);
            change.reset();
          }}
        />
      )}
      {change.isPending && <p role="status">Sending the change to CAM…</p>}
      {change.isError && <Refusal error={change.error} />}
      {change.isSuccess && (
        <p role="status" className="success">
          The change took effect.
        </p>
      )}
    </form>
  );
}

/** Whether a method can be switched on, and what the user sees then. */
function Availability({ method }: { readonly method: AvailableMethod | undefined }) {
  if (method === undefined) return "—";
  const { available, remedy, atNextLogin } = method;
  if (available === "YES") return <>Yes. {atNextLogin}</>;
  return (
    <>
      {available === "NO" ? "No." : "Perhaps."} {remedy}
    </>
  );
}

function isSwitchable(method: string): method is Switchable {
  return SWITCHABLE.some((each) => each === method);
}

function stateOf(flag: boolean | null): string {
  return flag === null ? "not reported" : flag ? "on" : "off";
}

interface MethodSwitchProps {
  readonly label: string;
  readonly current: boolean | null;
  /** Undefined if it stays as it is. */
  readonly wanted: boolean | null | undefined;
  readonly onToggle: () => void;
}

function MethodSwitch({ label, current, wanted, onToggle }: MethodSwitchProps) {
  const isOn = wanted ?? current ?? false;
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={isOn}
      aria-label={label}
      data-changed={wanted !== undefined}
      onClick={onToggle}
    >
      <span aria-hidden="true">{isOn ? "on" : "off"}</span>
    </button>
  );
}

interface SendPartProps {
  readonly label: string;
  readonly isSending: boolean;
  readonly reason: string;
  readonly onReason: (reason: string) => void;
  /** Undefined unless the gateway asks whether the user may lose another method. */
  readonly consent: { readonly given: boolean; readonly onGiven: (given: boolean) => void } | undefined;
  readonly onDiscard: () => void;
}

function SendPart({ label, isSending, reason, onReason, consent, onDiscard }: SendPartProps) {
  return (
    <div className="send">
      <ReasonField reason={reason} onReason={onReason} />
      {consent !== undefined && (
        <label className="consent">
          <input
            type="checkbox"
            checked={consent.given}
            onChange={({ target }) => consent.onGiven(target.checked)}
          />
          Send it although the user may lose a method that the gateway cannot switch on again
        </label>
      )}
      <div className="buttons">
        <button type="submit" className="primary" disabled={isSending}>
          {label}
        </button>
        <button type="button" disabled={isSending} onClick={onDiscard}>
          Discard
        </button>
      </div>
    </div>
  );
}

/** A refused change, with the way to the approvals if it awaits one. */
function Refusal({ error }: { readonly error: Error }) {
  return (
    <>
      <Problem error={error} />
      {error instanceof CamGatewayError && error.code === "APPROVAL_REQUIRED" && (
        <p>
          <Link href="/approvals">Open the approvals</Link>
        </p>
      )}
    </>
  );
}
