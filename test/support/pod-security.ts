import type { IContainer } from "kubernetes-models/v1/Container";
import type { IPodSpec } from "kubernetes-models/v1/PodSpec";
import type { IProbe } from "kubernetes-models/v1/Probe";

/** A control of the Pod Security Standard "restricted", which includes "baseline". */
interface PodSecurityControl {
  readonly name: string;
  readonly isMet: (pod: IPodSpec) => boolean;
}

const VOLUMES = new Set([
  ...[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
  ],
]);
const SYSCTLS = new Set([
  ...["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"],
  ...["net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"],
  ...["net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"],
  ...["net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"],
]);
const SELINUX_TYPES = new Set(["container_t", "container_init_t", "container_kvm_t", "container_engine_t"]);

/** The table of https://kubernetes.io/docs/concepts/security/pod-security-standards/, in its order. */
export const RESTRICTED: readonly PodSecurityControl[] = [
  {
    name: "HostProcess",
    isMet: (pod) => contextsOf(pod).every(({ windowsOptions }) => windowsOptions?.hostProcess !== true),
  },
  {
    name: "Host Namespaces",
    isMet: ({ hostNetwork, hostPID, hostIPC }) => ![hostNetwork, hostPID, hostIPC].includes(true),
  },
  {
    name: "Privileged Containers",
    isMet: (pod) => containersOf(pod).every(({ securityContext }) => securityContext?.privileged !== true),
  },
  {
    name: "Capabilities",
    isMet: (pod) =>
      containersOf(pod).every(({ securityContext: { capabilities = {} } = {} }) => {
        const { drop = [], add = [] } = capabilities;
        return drop.includes("ALL") && add.every((name) => name === "NET_BIND_SERVICE");
      }),
  },
  {
    name: "Volume Types, HostPath Volumes",
    isMet: ({ volumes = [] }) =>
      volumes.every(({ name: _, ...sources }) => Object.keys(sources).every((type) => VOLUMES.has(type))),
  },
  {
    name: "Host Ports",
    isMet: (pod) =>
      containersOf(pod).every(({ ports = [] }) => ports.every(({ hostPort = 0 }) => hostPort === 0)),
  },
  {
    name: "Host Probes / Lifecycle Hooks",
    isMet: (pod) => containersOf(pod).every((container) => hostsOf(container).every((host) => !host)),
  },
  {
    name: "AppArmor",
    isMet: (pod) => contextsOf(pod).every(({ appArmorProfile }) => appArmorProfile?.type !== "Unconfined"),
  },
  {
    name: "SELinux",
    isMet: (pod) =>
      contextsOf(pod).every(
        ({ seLinuxOptions: { type, user, role } = {} }) =>
          (!type || SELINUX_TYPES.has(type)) && !user && !role,
      ),
  },
  {
    name: "/proc Mount Type",
    isMet: (pod) =>
      containersOf(pod).every(
        ({ securityContext }) => (securityContext?.procMount ?? "Default") === "Default",
      ),
  },
  {
    name: "Sysctls",
    isMet: ({ securityContext }) => (securityContext?.sysctls ?? []).every(({ name }) => SYSCTLS.has(name)),
  },
  {
    name: "Privilege Escalation",
    isMet: (pod) =>
      containersOf(pod).every(({ securityContext }) => securityContext?.allowPrivilegeEscalation === false),
  },
  {
    name: "Running as Non-root",
    isMet: (pod) => settingsOf(pod).every(({ runAsNonRoot }) => runAsNonRoot === true),
  },
  {
    name: "Running as Non-root user",
    isMet: (pod) => contextsOf(pod).every(({ runAsUser }) => runAsUser !== 0),
  },
  {
    name: "Seccomp",
    isMet: (pod) =>
      settingsOf(pod).every(({ seccompProfile }) =>
        ["RuntimeDefault", "Localhost"].includes(seccompProfile?.type ?? ""),
      ),
  },
];

function containersOf({ containers, initContainers = [] }: IPodSpec): readonly IContainer[] {
  return [...containers, ...initContainers];
}

/** Returns the security contexts of the pod and of its containers. */
function contextsOf(pod: IPodSpec) {
  return [pod.securityContext ?? {}, ...containersOf(pod).map(({ securityContext = {} }) => securityContext)];
}

/** Returns the settings of each container: its own, and the pod's where it has none. */
function settingsOf({ securityContext: ofPod, ...pod }: IPodSpec) {
  return containersOf(pod).map(({ securityContext: own }) => ({ ...ofPod, ...own }));
}

function hostsOf(container: IContainer): readonly (string | undefined)[] {
  const { startupProbe, livenessProbe, readinessProbe, lifecycle } = container;
  const handlers: readonly (Pick<IProbe, "httpGet" | "tcpSocket"> | undefined)[] = [
    ...[startupProbe, livenessProbe, readinessProbe],
    ...[lifecycle?.postStart, lifecycle?.preStop],
  ];
  return handlers.flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host]);
}
