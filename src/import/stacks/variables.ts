/** The variables of a stack as its phoenix.json declares them. Pure. */
import { parseEnvFile } from "../../formats/compose/env-file.ts";
import { ComposeTextError } from "../../formats/compose/interpolation.ts";
import { Secret } from "../../secret.ts";
import { looksSecret } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import type { DraftSecret } from "../draft.ts";
import type { FoundStack } from "../found/docker.ts";

export interface ReadVariables {
  readonly values: ReadonlyMap<string, Secret>;
  /** Why some have no value here: "line 3: a variable without a name". Never a part of a value. */
  readonly faults: readonly string[];
}

/** The variables of environment files, of which a later one wins. */
export function variablesIn(texts: readonly string[]): ReadVariables {
  const values = new Map<string, string>();
  const faults: string[] = [];
  for (const text of texts)
    try {
      for (const [name, value] of parseEnvFile(text, values)) values.set(name, value);
    } catch (error) {
      if (!(error instanceof ComposeTextError)) throw error;
      faults.push(error.reason);
    }
  return { values: secrets(values), faults };
}

/**
 * The variables that Portainer keeps for a stack: it writes each as a line of an environment file, and gives those of a Swarm's stack
 * to the client as they are (2.23).
 */
export function variablesOf({
  kind,
  variables: stored,
}: Pick<FoundStack, "kind" | "variables">): ReadVariables {
  if (kind === "swarm")
    return { values: new Map(stored.map(({ name, value }) => [name, value])), faults: [] };
  return variablesIn(stored.map(({ name, value }) => `${name}=${value.reveal()}\n`));
}

function secrets(values: ReadonlyMap<string, string>): ReadonlyMap<string, Secret> {
  return new Map([...values].map(([name, value]) => [name, new Secret(value)]));
}

/** Their values, for what fills them into a Compose file. */
export function revealed(variables: ReadonlyMap<string, Secret>): ReadonlyMap<string, string> {
  return new Map([...variables].map(([name, value]) => [name, value.reveal()]));
}

export interface DraftVariables {
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly DraftSecret[];
}

/** The largest secret that a file of the site may hold, in bytes. */
const largestSecret = 64 * 1024;

/**
 * Variables for phoenix.json. What may be secret goes to a file, and so does what would be read as a reference to one.
 * @param stack the stack's name, with its environment where it has several
 */
export function draftVariables(stack: string, values: ReadonlyMap<string, Secret>): DraftVariables {
  const variables: [string, string][] = [];
  const files: DraftSecret[] = [];
  for (const [name, secret] of values) {
    const value = secret.reveal();
    const isHidden = value !== "" && (isSensitiveName(name) || looksSecret(value) || isReference(value));
    if (!isHidden || Buffer.byteLength(value) > largestSecret) variables.push([name, value]);
    else {
      const path = `secrets/${stack}/${name}`;
      variables.push([name, `file:${path}`]);
      files.push(secretFile(path, secret));
    }
  }
  return { variables: Object.fromEntries(variables), secrets: files };
}

/** A file of a secret, which the site's reader takes without one line break at its end. */
export function secretFile(path: string, secret: Secret): DraftSecret {
  const value = secret.reveal();
  // Behind a carriage return the line feed would take it along.
  return { path, text: value.endsWith("\r") ? value : `${value}\n` };
}

/** Whether the site's reader would take a text for a reference to a secret. */
function isReference(text: string): boolean {
  return /^(?:env|file|age|exec):(?!\/\/)/.test(text);
}
