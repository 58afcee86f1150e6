/**
 * Notations of values, by the keys that have them (compose-go 2.9.1, loader/interpolate and types). Compose fills in variables
 * first: `"${N:-2}"` is a number where a number belongs. Pure.
 */
import type { Fault } from "../fault.ts";

/** A kind of value: what Compose makes of one, or why it refuses it. */
export interface Kind {
  readonly read: (value: string | number | boolean) => string | number | boolean | Fault;
}

/** What holds at a place of the document. */
export interface Rule {
  readonly kind?: Kind;
  /** What holds below it; items of lists have the key "". */
  readonly below: (key: string) => Rule;
}

const invalid = (value: unknown, what: string, hint: string): Fault => ({
  message: `${JSON.stringify(value)} is not a valid ${what}`,
  hint,
});

/** A kind whose text becomes another type; other values are for the schema to judge. */
function cast(what: string, hint: string, read: (text: string) => number | boolean | undefined): Kind {
  return {
    read: (value) => (typeof value === "string" ? (read(value) ?? invalid(value, what, hint)) : value),
  };
}

/** A kind whose text stays text. */
function notation(what: string, hint: string, pattern: RegExp): Kind {
  return {
    read: (value) => (typeof value !== "string" || pattern.test(value) ? value : invalid(value, what, hint)),
  };
}

const integer = cast("whole number", "write its digits", (text) =>
  /^[-+]?\d+$/.test(text) ? Number(text) : undefined,
);

const decimal = cast("number", "write its digits: 2 or 0.5", (text) =>
  /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined,
);

const boolean = cast("boolean", "true or false", (text) => {
  if (/^(?:true|yes|y|on)$/i.test(text)) return true;
  return /^(?:false|no|n|off)$/i.test(text) ? false : undefined;
});

const retries: Kind = {
  read: (value) => {
    const read = integer.read(value);
    return typeof read === "number" && read < 0 ? invalid(value, "number of retries", "0 or more") : read;
  },
};

const durationHint = "a number with its unit: 30s, 1m30s, 500ms";
const goDuration = notation(
  "duration",
  durationHint,
  /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+)$/,
);

/** Go's notation; days and weeks since Compose 2.30. */
const duration: Kind = {
  read: (value) => {
    if (typeof value === "number") return invalid(value, "duration", durationHint);
    const read = goDuration.read(value);
    if (typeof read !== "string" || !/[dw]/.test(read)) return read;
    const message = `${JSON.stringify(value)} has days or weeks, which Compose 2.26 (Debian 13) refuses`;
    return { message, hint: "write hours: 24h", severity: "warning" };
  },
};

/** When to pull; how often since Compose 2.30. */
const pullPolicy: Kind = {
  read: (value) => {
    if (typeof value !== "string" || !/^(?:refresh|daily|weekly|every_)/.test(value)) return value;
    const message = `Compose 2.26 (Debian 13) refuses the pull policy ${JSON.stringify(value)}`;
    return { message, hint: "always, never, missing or if_not_present", severity: "warning" };
  },
};

/** Bytes with binary units (go-units). */
const size = notation(
  "size",
  "a number with its unit: 512m, 2g",
  /^(?:-1|\d+(?:\.\d+)* ?(?:[kmgtp]i?b?|b)?)$/i,
);

const count = notation("number of devices", 'a number, or "all"', /^(?:all|\d+)$/);

const cpus = notation(
  "number of processors",
  "a number: 2 or 0.5",
  /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i,
);

/** Compose splits text into words as a shell does, up to an operator (go-shellwords). */
const closed = /^(?:[^\\'";&|<>]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")*(?:[;&|<>]|$)/;

const command: Kind = {
  read: (value) => {
    if (typeof value !== "string" || closed.test(value)) return value;
    return {
      message: "a command with an open quote, or a backslash at its end",
      hint: "write it as a list of words",
    };
  },
};

const group: Kind = {
  read: (value) =>
    typeof value === "number" && !Number.isInteger(value)
      ? invalid(value, "group", "a name or a whole number")
      : value,
};

/** Paths by kind: "*" is any key, or any item of a list. */
const places: readonly (readonly [Kind, string])[] = [
  [
    boolean,
    `services.*.init services.*.healthcheck.disable services.*.oom_kill_disable services.*.privileged services.*.read_only
     services.*.stdin_open services.*.tty services.*.volumes.*.read_only services.*.volumes.*.volume.nocopy
     networks.*.external networks.*.internal networks.*.attachable networks.*.enable_ipv4 networks.*.enable_ipv6
     volumes.*.external secrets.*.external configs.*.external`,
  ],
  [
    integer,
    `services.*.cpu_count services.*.cpu_period services.*.cpu_quota services.*.cpu_rt_period services.*.cpu_rt_runtime
     services.*.cpu_shares services.*.deploy.replicas services.*.deploy.update_config.parallelism
     services.*.deploy.rollback_config.parallelism services.*.deploy.restart_policy.max_attempts
     services.*.deploy.placement.max_replicas_per_node services.*.oom_score_adj services.*.pids_limit services.*.ports.*.target
     services.*.scale services.*.ulimits.* services.*.ulimits.*.hard services.*.ulimits.*.soft`,
  ],
  [
    decimal,
    `services.*.cpu_percent services.*.cpus services.*.deploy.update_config.max_failure_ratio
     services.*.deploy.rollback_config.max_failure_ratio`,
  ],
  [retries, "services.*.healthcheck.retries"],
  [
    duration,
    `services.*.stop_grace_period services.*.healthcheck.interval services.*.healthcheck.timeout
     services.*.healthcheck.start_period services.*.healthcheck.start_interval services.*.deploy.restart_policy.delay
     services.*.deploy.restart_policy.window services.*.deploy.update_config.delay services.*.deploy.update_config.monitor
     services.*.deploy.rollback_config.delay services.*.deploy.rollback_config.monitor`,
  ],
  [
    size,
    `services.*.mem_limit services.*.mem_reservation services.*.mem_swappiness services.*.memswap_limit services.*.shm_size
     services.*.deploy.resources.limits.memory services.*.deploy.resources.reservations.memory services.*.volumes.*.tmpfs.size`,
  ],
  [cpus, "services.*.deploy.resources.limits.cpus services.*.deploy.resources.reservations.cpus"],
  [count, "services.*.deploy.resources.reservations.devices.*.count services.*.gpus.*.count"],
  [command, "services.*.command services.*.entrypoint"],
  [pullPolicy, "services.*.pull_policy"],
  [group, "services.*.group_add.*"],
];

class Node implements Rule {
  kind?: Kind;
  readonly #named = new Map<string, Node>();

  /** The node for a part of a path, which is made where it is not there. */
  grow(part: string): Node {
    const node = this.#named.get(part) ?? new Node();
    this.#named.set(part, node);
    return node;
  }

  below(key: string): Rule {
    return this.#named.get(key) ?? this.#named.get("*") ?? nothing;
  }
}

const nothing = new Node();

/** What holds at the document itself. */
export const rules: Rule = new Node();
for (const [kind, paths] of places)
  for (const path of paths.split(/\s+/)) {
    let node = rules as Node;
    for (const part of path.split(".")) node = node.grow(part);
    node.kind = kind;
  }
