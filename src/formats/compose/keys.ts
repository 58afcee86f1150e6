/** The keys that Compose knows (compose-go v2.9.1, which is Compose 2.40). It refuses all others, except for x-…. */
import { nearest } from "../text/nearest.ts";
import type { ComposeFault, Member, Place } from "./document.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const composeKeys = {
  file: words("configs include models name networks secrets services version volumes"),
  service: words(
    `annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name
     cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec
     depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file
     environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc
     isolation label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit
     models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop
     privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt
     shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user
     userns_mode uts volumes volumes_from working_dir`,
  ),
} as const;

/** A key that needs other files than the one that Portainer gets. */
export function refused(key: keyof typeof alternatives, place: Place): ComposeFault {
  const hint = `Portainer gets this file alone: ${alternatives[key]}`;
  return { message: `${key} cannot be used in a stack`, place, hint };
}

const alternatives = {
  build: "use an image that exists",
  include: "put the included services into it",
  extends: "use an anchor (&name, *name), or write the service in full",
};

/** Keys that Compose does not know: an error where a known key is near, else a warning. */
export function keyFaults(
  members: readonly Member[],
  kind: keyof typeof composeKeys,
  where: string,
): readonly ComposeFault[] {
  return members.flatMap(({ key, place }): readonly ComposeFault[] => {
    if (key.startsWith("x-") || composeKeys[kind].has(key)) return [];
    const meant = nearest(key, [...composeKeys[kind]]);
    const message = `unknown key ${JSON.stringify(key)} in ${where}`;
    return meant === undefined
      ? [{ message, place, severity: "warning", hint: "Compose refuses a file with an unknown key" }]
      : [{ message, place, hint: `did you mean ${JSON.stringify(meant)}?` }];
  });
}
