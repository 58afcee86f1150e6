/** Text that Compose turns into a number or a boolean when it has filled in the variables (compose-go, loader/interpolate). Pure. */

type Cast = (text: string) => number | boolean;

/** @throws Error in the words of Go's strconv */
function integer(bits: string): Cast {
  return (text) => {
    if (/^[-+]?\d+$/.test(text)) return Number(text);
    throw new Error(`strconv.${bits}: parsing ${JSON.stringify(text)}: invalid syntax`);
  };
}

const float: Cast = (text) => {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
};

const boolean: Cast = (text) => {
  if (/^(true|yes|y|on)$/i.test(text)) return true;
  if (/^(false|no|n|off)$/i.test(text)) return false;
  throw new Error(`invalid boolean: ${text}`);
};

const [int, int64] = [integer("Atoi"), integer("ParseInt")];

/** By path: "*" is any key or item. */
const casts: readonly (readonly [string, Cast])[] = [
  ["services.*.cpu_count", int64],
  ["services.*.cpu_percent", float],
  ["services.*.cpu_period", int64],
  ["services.*.cpu_quota", int64],
  ["services.*.cpu_rt_period", int64],
  ["services.*.cpu_rt_runtime", int64],
  ["services.*.cpus", float],
  ["services.*.cpu_shares", int64],
  ["services.*.init", boolean],
  ["services.*.deploy.replicas", int],
  ["services.*.deploy.update_config.parallelism", int],
  ["services.*.deploy.update_config.max_failure_ratio", float],
  ["services.*.deploy.rollback_config.parallelism", int],
  ["services.*.deploy.rollback_config.max_failure_ratio", float],
  ["services.*.deploy.restart_policy.max_attempts", int],
  ["services.*.deploy.placement.max_replicas_per_node", int],
  ["services.*.healthcheck.retries", int],
  ["services.*.healthcheck.disable", boolean],
  ["services.*.oom_kill_disable", boolean],
  ["services.*.oom_score_adj", int64],
  ["services.*.pids_limit", int64],
  ["services.*.ports.*.target", int],
  ["services.*.privileged", boolean],
  ["services.*.read_only", boolean],
  ["services.*.scale", int],
  ["services.*.stdin_open", boolean],
  ["services.*.tty", boolean],
  ["services.*.ulimits.*", int],
  ["services.*.ulimits.*.hard", int],
  ["services.*.ulimits.*.soft", int],
  ["services.*.volumes.*.read_only", boolean],
  ["services.*.volumes.*.bind.create_host_path", boolean],
  ["services.*.volumes.*.volume.nocopy", boolean],
  ["networks.*.external", boolean],
  ["networks.*.internal", boolean],
  ["networks.*.attachable", boolean],
  ["volumes.*.external", boolean],
  ["secrets.*.external", boolean],
  ["configs.*.external", boolean],
];

const patterns = casts.map(([path, cast]) => [path.split("."), cast] as const);

/** The value of a text at its place. @throws Error in Compose's words when the place wants a number or boolean that the text is not */
export function castText(text: string, path: readonly string[]): string | number | boolean {
  const found = patterns.find(
    ([parts]) => parts.length === path.length && parts.every((part, at) => part === "*" || part === path[at]),
  );
  if (found === undefined) return text;
  try {
    return found[1](text);
  } catch (error) {
    throw new Error(
      `failed to cast to expected type: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
