/** What a plan compares of a Swarm's stack, service by service: images, replicas, ports, configs and secrets. Pure. */
import type { SwarmContainer, SwarmService } from "../../../apis/portainer/swarm.ts";
import { defined } from "../../../defined.ts";
import { cleaned, type DeclaredContainer } from "../../../formats/compose/swarm/container.ts";
import { definitionLabel, type SwarmServiceSpec } from "../../../formats/compose/swarm/services.ts";
import { canonicalJson, type Resource } from "../../../resource.ts";
import { Secret } from "../../../secret.ts";
import { prefixed, type StackFacts } from "../facts.ts";

export interface SwarmFacts extends Omit<StackFacts, "containers" | "volumes" | "sensitive"> {
  /** Its name. */
  readonly swarm: string;
  readonly services: Readonly<Record<string, ServiceFacts>>;
  readonly configs: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** In words, as they are compared and shown. */
export interface ServiceFacts {
  readonly image: string;
  /** "2", or "one on each node". */
  readonly replicas: string;
  readonly ports: string;
  readonly configs: string;
  readonly secrets: string;
  /** "as declared", or which variables differ. */
  readonly environment: string;
  /** "as declared", or what of its containers is otherwise: their values may be secrets. */
  readonly container: string;
  /** "as declared" where it was made from what is declared. */
  readonly definition: string;
  /** "running", or what is wrong. */
  readonly state: string;
}

const asDeclared = "as declared";

export function declaredServices(specs: readonly SwarmServiceSpec[]): Readonly<Record<string, ServiceFacts>> {
  return Object.fromEntries(
    specs.map((spec) => [
      spec.name,
      {
        image: spec.image,
        ...wordsOf(spec),
        environment: asDeclared,
        container: asDeclared,
        definition: asDeclared,
        state: "running",
      },
    ]),
  );
}

/** A service as it is. @param spec the declared one; @param state of its tasks, in words */
export function liveService(spec: SwarmServiceSpec, live: SwarmService, state: string): ServiceFacts {
  return {
    image: imageOf(spec.image, live.image),
    ...wordsOf({
      replicas: live.replicas,
      ports: live.ports,
      configs: live.configs.map(({ name }) => name),
      secrets: live.secrets.map(({ name }) => name),
    }),
    environment: environmentOf(spec, live),
    container: containerOf(spec.container, live.container),
    // A file that somebody else wrote has no label.
    definition:
      spec.label === undefined || live.labels[definitionLabel] === spec.label
        ? asDeclared
        : "another version",
    state,
  };
}

/** Whether a service is what was asked for; undefined, or what differs. */
export function mismatch(spec: SwarmServiceSpec, live: SwarmService): string | undefined {
  const [wanted] = Object.values(declaredServices([spec]));
  const seen = liveService(spec, live, "running");
  const key = (Object.keys(seen) as (keyof ServiceFacts)[]).find((each) => wanted?.[each] !== seen[each]);
  return key === undefined ? undefined : `${key}: ${seen[key] || "none"}`;
}

function wordsOf({
  replicas,
  ports,
  configs,
  secrets,
}: Pick<SwarmServiceSpec, "replicas" | "ports" | "configs" | "secrets">): Pick<
  ServiceFacts,
  "replicas" | "ports" | "configs" | "secrets"
> {
  const portWords = ports.map(
    ({ target, published, protocol, mode }) =>
      `${published === undefined ? "" : `${published}:`}${target}/${protocol}${mode === "host" ? " on its machine" : ""}`,
  );
  return {
    replicas: replicas === undefined ? "one on each node" : String(replicas),
    ports: portWords.sort().join(", "),
    configs: [...configs].sort().join(", "),
    secrets: [...secrets].sort().join(", "),
  };
}

/** The client adds a digest where it asked a registry: that is the same image. */
function imageOf(declared: string, live: string): string {
  return declared.includes("@") ? live : live.replace(/@sha256:[0-9a-f]+$/, "");
}

/** A number may be written anew; names without a value are the machine's business. */
function environmentOf({ environment }: SwarmServiceSpec, { env }: SwarmService): string {
  const live = new Map(
    env.map((each) => {
      const at = each.indexOf("=");
      return at < 0 ? ([each, undefined] as const) : ([each.slice(0, at), each.slice(at + 1)] as const);
    }),
  );
  const isSame = (a: string, b: string | undefined): boolean =>
    a === b || (b !== undefined && a !== "" && b !== "" && Number(a) === Number(b));
  const other = [...environment].filter(([name, value]) => !isSame(value, live.get(name)));
  return other.length === 0 ? asDeclared : `other values of ${other.map(([name]) => name).join(", ")}`;
}

function containerOf(declared: DeclaredContainer, live: SwarmContainer): string {
  const isOther = (wanted: readonly string[] | undefined, seen: readonly string[]): boolean =>
    wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(seen);
  const limits = ["nanoCpus", "memoryBytes"] as const;
  const others = [
    isOther(declared.command, live.command) && "entrypoint",
    isOther(declared.args, live.args) && "command",
    declared.user !== live.user && "user",
    isOther(declared.targets, live.targets.map(cleaned).sort()) && "mounts",
    isOther(declared.constraints, live.constraints.map((each) => each.trim()).sort()) && "constraints",
    limits.some((each) => declared[each] !== undefined && declared[each] !== live[each]) && "limits",
  ].filter((each) => each !== false);
  return others.length === 0 ? asDeclared : `other ${others.join(", ")}`;
}

/** @param document the Compose file as a person wrote it */
export function swarmResource(
  { id, host, ...facts }: SwarmFacts,
  document: string | undefined,
  secrets: Readonly<Record<string, Secret>>,
): Resource {
  const aspects = Object.entries(facts.services).flatMap(([name, { state, ...each }]) => [
    [`service ${name}`, state] as const,
    ...Object.entries(each)
      .filter(([aspect, words]) => words !== "" && !(hidden.has(aspect) && words === asDeclared))
      .map(([aspect, words]) => [`${aspect} of ${name}`, words] as const),
  ]);
  return {
    id,
    host,
    text: canonicalJson(facts),
    units: {
      environment: facts.environment,
      "compose file": `text ${new Secret(facts.compose).fingerprint()}`,
      ...prefixed("variable", facts.variables),
      ...prefixed("file", facts.files),
      ...Object.fromEntries(aspects),
      ...prefixed("config", facts.configs),
      ...prefixed("secret", facts.secrets),
      ...prefixed("network", facts.networks),
      ...defined({ owners: facts.owners }),
    },
    secrets,
    ...(document === undefined ? {} : { documents: { "compose file": document } }),
    // The text has fingerprints, and what environment files say.
    sensitive: "text" as const,
  };
}

/** Told only where they differ. */
const hidden = new Set(["environment", "container", "definition"]);
