/** Resources and sites as objects of the journal: what a generation keeps of them, without secrets. */
import { defined } from "../defined.ts";
import type { FingerprintOf } from "../fingerprint.ts";
import type { Redact } from "../redaction.ts";
import type { Resource, ResourceId } from "../resource.ts";
import { Secret } from "../secret.ts";
import { fingerprintMark, withoutSecretLooks, withoutSecrets } from "../secret-spans.ts";
import type { Seen } from "./generation.ts";
import { type ObjectName, objectNameOf } from "./objects.ts";
import type { KeptContent, KeptResource, KeptState } from "./run-record.ts";
import { documentText } from "./store.ts";

/** Makes objects and remembers their texts until they are stored. */
export class Keeper {
  readonly texts = new Map<ObjectName, string>();
  /** Contents that were made, by their names. */
  readonly contents = new Map<ObjectName, KeptContent>();
  readonly #redact: Redact;
  readonly #fingerprintOf: FingerprintOf;
  readonly #stored: ReadonlySet<ObjectName>;

  /**
   * @param redact replaces the site's secrets; a text that it would alter is kept by its fingerprint alone
   * @param stored objects that are there already
   */
  constructor(redact: Redact, fingerprintOf: FingerprintOf, stored: Iterable<ObjectName> = []) {
    this.#redact = redact;
    this.#fingerprintOf = fingerprintOf;
    this.#stored = new Set(stored);
  }

  /** The texts that are not stored yet. */
  get missing(): ReadonlyMap<ObjectName, string> {
    return new Map([...this.texts].filter(([name]) => !this.#stored.has(name)));
  }

  /** Adds a text; the same text has the same name. */
  add(text: string): ObjectName {
    const name = objectNameOf(text);
    this.texts.set(name, text);
    return name;
  }

  /** @param before how it was kept last: what did not change is not kept again */
  resource(resource: Resource, before?: KeptResource): KeptResource {
    const { id, host, text } = resource;
    if (before !== undefined && this.#stored.has(before.content) && this.isSame(resource, before))
      return { id, host, digest: before.digest, content: before.content };
    const content = this.content(resource);
    const digest = content.text === undefined ? this.#secretDigest(text) : digestOf(text);
    return { id, host, digest, content: this.addContent(content) };
  }

  /** Whether a resource is where it was, and says the same. */
  isSame({ host, text }: Resource, kept: KeptResource): boolean {
    return kept.host === host && [digestOf(text), this.#secretDigest(text)].includes(kept.digest);
  }

  #secretDigest(text: string): string {
    return `secret ${this.#fingerprintOf(new Secret(text))}`;
  }

  addContent(content: KeptContent): ObjectName {
    const name = this.add(documentText({ ...content }));
    this.contents.set(name, content);
    return name;
  }

  /** Live resources, to be compared with a state: what is the same has the same digest. */
  live({ resources, whole }: Seen, state: KeptState): KeptState {
    const then = new Map(state.resources.map((resource) => [resource.id, resource]));
    const now = [...resources].flatMap(([id, resource]): KeptResource[] => {
      const was = then.get(id);
      if (resource === undefined) return [];
      return [was !== undefined && this.isSame(resource, was) ? was : this.resource(resource)];
    });
    // What could not be looked at is said apart, and is no difference.
    const unseen = whole ? [] : state.resources.filter(({ id }) => !resources.has(id));
    return { resources: [...now, ...unseen] };
  }

  content({ text, units, documents, sensitive, secrets }: Resource): KeptContent {
    const hasSecret = sensitive !== undefined || withoutSecrets(this.#redact(text)) !== text;
    const markOf = (secret: Secret): string => fingerprintMark(this.#fingerprintOf(secret));
    const unit = (value: string, name: string): string => {
      const held = secrets?.[name] ?? (sensitive === true ? new Secret(value) : undefined);
      return held === undefined ? withoutSecretLooks(this.#redact(value)) : markOf(held);
    };
    const document = (each: string): string =>
      this.#redact(withoutSecrets(each, (secret) => markOf(new Secret(secret))));
    return {
      ...(hasSecret ? {} : { text }),
      units: mapped(units, this.#redact, unit),
      ...(documents === undefined || sensitive === true
        ? {}
        : { documents: mapped(documents, this.#redact, document) }),
      ...(sensitive === undefined && !hasSecret ? {} : { sensitive: sensitive ?? "text" }),
    };
  }

  /**
   * @param before the state that the run before has left: what this one did not look at is as then
   * @param siteOf the kept site that this run has a resource from; what is as before is still from the same one
   */
  state(
    { resources, whole, orphans }: Seen,
    before: KeptState | undefined,
    siteOf: (resource: Resource) => ObjectName | undefined = () => undefined,
  ): ObjectName {
    const known = new Map<ResourceId, KeptResource>(
      before?.resources.map((resource) => [resource.id, resource]),
    );
    const after = new Map(whole ? [] : known);
    for (const [id, resource] of resources) {
      const was = known.get(id);
      if (resource === undefined) after.delete(id);
      else if (was?.site !== undefined && orphans.has(id)) after.set(id, was);
      else after.set(id, withSite(this.resource(resource, was), siteOf(resource), was));
    }
    const sorted = [...after.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const partial = whole || (before !== undefined && before.partial === undefined) ? {} : { partial: true };
    return this.add(documentText({ resources: sorted, ...partial }));
  }
}

function withSite(
  resource: KeptResource,
  site: ObjectName | undefined,
  was: KeptResource | undefined,
): KeptResource {
  const same = was?.digest === resource.digest ? was.site : undefined;
  return defined({ ...resource, site: site ?? same });
}

/** SHA-256 in hexadecimal. */
function digestOf(text: string): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(text).digest("hex");
}

function mapped(
  texts: Readonly<Record<string, string>>,
  key: (text: string) => string,
  value: (text: string, name: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [key(name), value(text, name)]));
}
