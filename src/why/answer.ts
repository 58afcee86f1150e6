/** What `phoenix why` answers: plain data. */
import type { OffComponent } from "../components/parts.ts";
import type { HostName, ResourceId, SourceRef } from "../resource.ts";

/** A line of the site, or a default of Phoenix, that decides something. */
export interface Cause {
  /** Absent for a default. */
  readonly at?: SourceRef;
  /** The key at the place, or the key that would change a default: "vms.docker-one.docker_stacks". */
  readonly key: string;
  readonly says: string;
  /** Of a default. */
  readonly default?: {
    readonly file: string;
    /** What counts without the key, where that is a fixed value. */
    readonly value?: string;
    /** Where the key is explained: "docs/keys.md#network". */
    readonly docs: string;
  };
}

/** Something that follows. */
export interface Effect {
  readonly resource: ResourceId;
  readonly host: HostName;
  /** In the domain's terms: "wiki.example.net 10.0.0.10". */
  readonly shows: string;
  /** The generated line, where it is one: "pve:/etc/…/docker-compose.yml:12". */
  readonly line?: string;
  readonly note?: string;
  /** Indices into the causes of its sense. */
  readonly causes: readonly number[];
}

/** One meaning of what was asked. */
export interface Sense {
  /** "a name of service wiki", "line 12 of pve:/etc/pve/firewall/cluster.fw". */
  readonly title: string;
  /** The generated line itself. */
  readonly text?: string;
  readonly causes: readonly Cause[];
  readonly effects: readonly Effect[];
  /** What else is worth knowing, a clause each. */
  readonly notes: readonly string[];
}

export interface Answer {
  readonly asked: string;
  /** At least one. */
  readonly senses: readonly Sense[];
  readonly off: readonly OffComponent[];
}
