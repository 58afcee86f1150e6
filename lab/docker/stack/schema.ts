/** What `docker stack` takes in a file (its schema 3.13), and what it says of other things (docker/cli 26.1). Pure. */
import { isYamlObject, type YamlObject } from "../compose-values.ts";
import { StackError } from "./words.ts";

/** What is wrong with a value; undefined when nothing is. */
type Check = (place: string, value: unknown) => string | undefined;

const isScalar = (value: unknown): boolean =>
  value === null || typeof value === "string" || typeof value === "number";

const text: Check = (place, value) => (typeof value === "string" ? undefined : `${place} must be a string`);
const number: Check = (place, value) => (typeof value === "number" ? undefined : `${place} must be a number`);
const integer: Check = (place, value) => (Number.isInteger(value) ? undefined : `${place} must be a integer`);
const flag: Check = (place, value) => (typeof value === "boolean" ? undefined : `${place} must be a boolean`);
const duration: Check = (place, value) => {
  if (typeof value !== "string") return `${place} must be a string`;
  const isOne = /^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$/.test(value);
  return isOne ? undefined : `${place} Does not match format 'duration'`;
};
const anything: Check = () => undefined;

const listOf =
  (check: Check): Check =>
  (place, value) =>
    Array.isArray(value)
      ? first(value.map((each, at) => check(`${place}.${at}`, each)))
      : `${place} must be a list`;

const texts = listOf(text);

/** A list of texts, or one. */
const textOrTexts: Check = (place, value) =>
  Array.isArray(value) ? texts(place, value) : text(place, value);

/** `NAME: value`, or a list of NAME=value. */
const pairs: Check = (place, value) => {
  if (Array.isArray(value)) return texts(place, value);
  if (!isYamlObject(value)) return `${place} must be a mapping`;
  return first(
    Object.entries(value).map(([key, each]) =>
      isScalar(each) ? undefined : `${place}.${key} must be a string, number or null`,
    ),
  );
};

const object =
  (members: Readonly<Record<string, Check>>): Check =>
  (place, value) => {
    if (!isYamlObject(value)) return `${place} must be a mapping`;
    return first(
      Object.entries(value).map(([key, each]) => {
        if (key.startsWith("x-")) return undefined;
        const check = Object.hasOwn(members, key) ? members[key] : undefined;
        if (check === undefined) return `${place} Additional property ${key} is not allowed`;
        return check(place === "(root)" ? key : `${place}.${key}`, each);
      }),
    );
  };

const orNull =
  (check: Check): Check =>
  (place, value) =>
    value === null ? undefined : check(place, value);

/** Texts and objects, mixed. */
const listOfForms = (members: Readonly<Record<string, Check>>, scalars: Check): Check =>
  listOf((place, value) => (isYamlObject(value) ? object(members)(place, value) : scalars(place, value)));

/** Every key of a section, by the name that it must have. */
const section =
  (check: Check): Check =>
  (place, value) => {
    if (!isYamlObject(value)) return `${place} must be a mapping`;
    return first(
      Object.entries(value).map(([key, each]) =>
        /^[a-zA-Z0-9._-]+$/.test(key)
          ? check(`${place}.${key}`, each)
          : `${place} Additional property ${key} is not allowed`,
      ),
    );
  };

const first = (all: readonly (string | undefined)[]): string | undefined =>
  all.find((each) => each !== undefined);

const updateConfig = object({
  parallelism: integer,
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: number,
  order: text,
});

const deploy = object({
  mode: text,
  endpoint_mode: text,
  replicas: integer,
  labels: pairs,
  update_config: updateConfig,
  rollback_config: updateConfig,
  resources: object({
    limits: object({ cpus: text, memory: text, pids: integer }),
    reservations: object({ cpus: text, memory: text, generic_resources: anything }),
  }),
  restart_policy: object({ condition: text, delay: duration, max_attempts: integer, window: duration }),
  placement: object({
    constraints: texts,
    preferences: listOf(object({ spread: text })),
    max_replicas_per_node: integer,
  }),
});

/** A secret or config that a service uses: other members than these are not looked at. */
const reference = listOf((place, value) => (isYamlObject(value) ? undefined : text(place, value)));

const service = object({
  build: anything,
  cap_add: texts,
  cap_drop: texts,
  cgroupns_mode: text,
  cgroup_parent: text,
  command: orNull(textOrTexts),
  configs: reference,
  container_name: text,
  credential_spec: anything,
  depends_on: texts,
  deploy: orNull(deploy),
  devices: texts,
  dns: textOrTexts,
  dns_search: textOrTexts,
  domainname: text,
  entrypoint: orNull(textOrTexts),
  env_file: textOrTexts,
  environment: pairs,
  expose: listOf((place, value) => (isScalar(value) ? undefined : `${place} is invalid`)),
  external_links: texts,
  extra_hosts: pairs,
  healthcheck: object({
    disable: flag,
    interval: duration,
    retries: number,
    test: textOrTexts,
    timeout: duration,
    start_period: duration,
    start_interval: duration,
  }),
  hostname: text,
  image: text,
  init: flag,
  ipc: text,
  isolation: text,
  labels: pairs,
  links: texts,
  logging: object({ driver: text, options: anything }),
  mac_address: text,
  network_mode: text,
  networks: (place, value) =>
    Array.isArray(value)
      ? texts(place, value)
      : section(
          orNull(object({ aliases: texts, ipv4_address: text, ipv6_address: text, driver_opts: anything })),
        )(place, value),
  pid: orNull(text),
  ports: listOfForms({ mode: text, target: integer, published: integer, protocol: text }, (place, value) =>
    typeof value === "number" || typeof value === "string" ? undefined : `${place} is invalid`,
  ),
  privileged: flag,
  read_only: flag,
  restart: text,
  secrets: reference,
  security_opt: texts,
  shm_size: anything,
  stdin_open: flag,
  stop_grace_period: duration,
  stop_signal: text,
  sysctls: pairs,
  tmpfs: textOrTexts,
  tty: flag,
  ulimits: anything,
  user: text,
  userns_mode: text,
  volumes: listOfForms(
    {
      type: text,
      source: text,
      target: text,
      read_only: flag,
      consistency: text,
      bind: object({ propagation: text }),
      volume: object({ nocopy: flag }),
      tmpfs: object({ size: integer }),
      cluster: anything,
    },
    text,
  ),
  working_dir: text,
});

const external: Check = (place, value) =>
  typeof value === "boolean" ? undefined : object({ name: text })(place, value);

const held = object({
  name: text,
  file: text,
  external,
  labels: pairs,
  template_driver: text,
  driver: text,
  driver_opts: anything,
});

const root = object({
  version: text,
  services: section(service),
  networks: section(
    orNull(
      object({
        name: text,
        driver: text,
        driver_opts: anything,
        ipam: anything,
        external,
        internal: flag,
        attachable: flag,
        labels: pairs,
      }),
    ),
  ),
  volumes: section(
    orNull(
      object({
        name: text,
        driver: text,
        driver_opts: anything,
        external,
        labels: pairs,
        ...{ group: text, type: text, access_mode: anything, accessibility_requirements: anything },
        ...{ preferred: anything, requisite: anything, required_bytes: anything, availability: text },
      }),
    ),
  ),
  secrets: section(held),
  configs: section(held),
});

/** @throws StackError for a key or value that the schema does not take */
export function checkStackSchema(document: YamlObject): void {
  const wrong = root("(root)", document);
  if (wrong !== undefined) throw new StackError(wrong);
}

const resources = "Set resource limits using deploy.resources";

/** Keys of a service that are refused, with the advice. */
const forbidden: Readonly<Record<string, string>> = {
  extends: "Support for `extends` is not implemented yet.",
  volume_driver:
    "Instead of setting the volume driver on the service, define a volume using the top-level `volumes` option and specify the driver there.",
  volumes_from:
    "To share a volume between services, define it using the top-level `volumes` option and reference it from each service that shares it using the service-level `volumes` option.",
  cpu_quota: resources,
  cpu_shares: resources,
  cpuset: resources,
  mem_limit: resources,
  memswap_limit: resources,
};

/** @throws StackError for keys that had a meaning once */
export function checkForbidden(document: YamlObject): void {
  const services = isYamlObject(document.services) ? Object.values(document.services) : [];
  const found = services.flatMap((each) =>
    isYamlObject(each) ? Object.keys(each).filter((key) => Object.hasOwn(forbidden, key)) : [],
  );
  if (found.length === 0) return;
  const lines = [...new Set(found)].sort().map((key) => `${key}: ${forbidden[key]}`);
  throw new StackError(`Compose file contains unsupported options:\n\n${lines.join("\n\n")}\n`);
}
