import type { IPodSpec } from "kubernetes-models/v1/PodSpec";
import { describe, expect, test } from "vitest";
import { objects } from "../support/kubernetes-files.ts";
import { RESTRICTED } from "../support/pod-security.ts";

const pods = objects.flatMap(({ kind, ...object }) => {
  const { spec } = object as { readonly spec?: { readonly template?: { readonly spec: IPodSpec } } };
  return spec?.template === undefined ? [] : [[kind, spec.template.spec] as const];
});

/** For each control, a change that breaks it. */
const BREAKS: Readonly<Record<string, (pod: IPodSpec) => void>> = {
  HostProcess: (pod) => inContext(pod, { windowsOptions: { hostProcess: true } }),
  "Host Namespaces": (pod) => Object.assign(pod, { hostPID: true }),
  "Privileged Containers": (pod) => inContext(pod, { privileged: true }),
  Capabilities: (pod) => inContext(pod, { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }),
  "Volume Types, HostPath Volumes": (pod) => pod.volumes?.push({ name: "host", hostPath: { path: "/" } }),
  "Host Ports": (pod) => inContainer(pod, { ports: [{ containerPort: 4000, hostPort: 4000 }] }),
  "Host Probes / Lifecycle Hooks": (pod) =>
    inContainer(pod, { livenessProbe: { httpGet: { port: 1, host: "169.254.169.254" } } }),
  AppArmor: (pod) => inContext(pod, { appArmorProfile: { type: "Unconfined" } }),
  SELinux: (pod) => inContext(pod, { seLinuxOptions: { type: "spc_t" } }),
  "/proc Mount Type": (pod) => inContext(pod, { procMount: "Unmasked" }),
  Sysctls: (pod) =>
    Object.assign(pod, {
      securityContext: { ...pod.securityContext, sysctls: [{ name: "kernel.msgmax", value: "1" }] },
    }),
  "Privilege Escalation": (pod) => inContext(pod, { allowPrivilegeEscalation: undefined }),
  "Running as Non-root": (pod) => inContext(pod, { runAsNonRoot: false }),
  "Running as Non-root user": (pod) => inContext(pod, { runAsUser: 0 }),
  Seccomp: (pod) => Object.assign(pod, { securityContext: { runAsNonRoot: true } }),
};

describe.each(RESTRICTED)('the control "$name" of Pod Security restricted', ({ name, isMet }) => {
  test.each(pods)("is met by the %s, and refuses a pod that breaks it", (_kind, pod) => {
    expect(isMet(pod)).toBe(true);
    const broken = structuredClone(pod);
    BREAKS[name]?.(broken);
    expect(isMet(broken)).toBe(false);
  });
});

test("pods write to no file system of their own, get no token of Kubernetes and no variables of Services", () => {
  expect(pods.map(([kind]) => kind)).toEqual(["Job", "Deployment"]);
  for (const [, pod] of pods) {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    for (const { securityContext, resources } of pod.containers) {
      expect(securityContext?.readOnlyRootFilesystem).toBe(true);
      const memory = expect.stringMatching(/^\d+Mi$/);
      expect(resources).toEqual({
        requests: { cpu: expect.stringMatching(/^\d+m$/), memory },
        limits: { memory },
      });
    }
  }
});

function inContext(pod: IPodSpec, settings: object): void {
  inContainer(pod, { securityContext: { ...pod.containers[0]?.securityContext, ...settings } });
}

function inContainer(pod: IPodSpec, settings: object): void {
  Object.assign(pod.containers[0] ?? {}, settings);
}
