/** The site as import drafts it: parts, each of them pure and from what was found, joined to one. */
import type { GuestName } from "../resource.ts";
import type { Left, Opened } from "./found.ts";
import { type DraftObject, type DraftValue, isDraftObject, isList, Noted } from "./json.ts";

export interface Draft {
  /** etc/phoenix_hypervisor_config.json. */
  readonly config: DraftObject;
  /** Entries of etc/phoenix_{lxc,vm}_configs.json; a guest without an entry is not in the site. */
  readonly guests: ReadonlyMap<GuestName, DraftValue>;
  /** etc/certificate-manifest.json. */
  readonly certificates: readonly DraftValue[];
  readonly stacks: readonly DraftStack[];
  /** Files of mode 600 below secrets/. */
  readonly secrets: readonly DraftSecret[];
  readonly left: readonly Left[];
  readonly opened: readonly Opened[];
}

/** A directory below stacks/. */
export interface DraftStack {
  readonly name: string;
  /** Its Compose file as it was found. */
  readonly compose: DraftFile;
  /** phoenix.json; absent when there is nothing to say in it. */
  readonly settings?: DraftObject;
  readonly files?: readonly DraftFile[];
}

export interface DraftFile {
  /** Relative to the stack's directory. */
  readonly path: string;
  readonly text: string;
  /** Nobody but its owner may read it. */
  readonly isSecret?: true;
}

export interface DraftSecret {
  /** "secrets/portainer_admin_password": the reference is "file:" and this path. */
  readonly path: string;
  /** The file's content. */
  readonly text: string;
}

export type DraftPart = Partial<Draft>;

export const emptyDraft: Draft = {
  config: {},
  guests: new Map(),
  certificates: [],
  stacks: [],
  secrets: [],
  left: [],
  opened: [],
};

/** Two parts as one: objects are merged, lists and stacks appended. */
export function joined(one: Draft, other: DraftPart): Draft {
  const guests = new Map(one.guests);
  for (const [host, entry] of other.guests ?? []) guests.set(host, merged(guests.get(host), entry));
  return {
    config: merged(one.config, other.config ?? {}) as DraftObject,
    guests,
    certificates: [...one.certificates, ...(other.certificates ?? [])],
    stacks: [...one.stacks, ...(other.stacks ?? [])],
    secrets: [...one.secrets, ...(other.secrets ?? [])],
    left: [...one.left, ...(other.left ?? [])],
    opened: [...one.opened, ...(other.opened ?? [])],
  };
}

/** The first to know a value's place keeps it; of two plain values the later one counts. */
function merged(one: DraftValue | undefined, other: DraftValue): DraftValue {
  if (one === undefined) return other;
  if (one instanceof Noted) return new Noted(merged(one.value, bare(other)), one.source, one.note);
  if (other instanceof Noted) return new Noted(merged(one, other.value), other.source, other.note);
  if (isList(one) && isList(other)) return [...one, ...other];
  if (!isDraftObject(one) || !isDraftObject(other)) return other;
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(
    keys.map((key) => {
      const [first, second] = [one[key], other[key]];
      return [key, second === undefined ? first : merged(first, second)];
    }),
  );
}

function bare(value: DraftValue): DraftValue {
  return value instanceof Noted ? value.value : value;
}
