/** A component whose resources come from kept sites: everything it does, it does with the site that declares the resource. */
import type { Apis } from "../apis/apis.ts";
import type { Check, Component, Guard, Io } from "../component.ts";
import { mergedImpacts } from "../impact.ts";
import type { ObjectName } from "../journal/objects.ts";
import type { Site } from "../model.ts";
import { type Change, type Resource, type ResourceId, subjectOf } from "../resource.ts";

/** A site that resources come from. */
export interface Origin {
  /** Of the kept site; absent for the present one. */
  readonly name?: ObjectName;
  readonly site: Site;
  readonly apis: Apis;
}

export interface Origins {
  /** Of the resources that there should be. */
  readonly of: ReadonlyMap<ResourceId, Origin>;
  /** For what concerns the component as a whole. */
  readonly main: Origin;
  /** Others whose eyes see what was created since: the present site. */
  readonly also: readonly Origin[];
}

interface More extends Pick<Component, "prunes"> {
  /** Called with what was read, to add notes. */
  readonly onRead: (live: readonly Resource[], io: Io) => void;
}

/**
 * Resources of one component that depend on each other are one step, which the main site judges, guards and activates; independent
 * ones are worked on site by site.
 */
export function madeFrom(component: Component, origins: Origins, { onRead, prunes }: More): Component {
  const sites = new Sites(component, origins);
  const { validate, hazards, readForeign, readRunning, impact, guard, activate } = component;
  return {
    ...component,
    ...(prunes && { prunes }),
    compile: () => sites.compile(),
    read: async (io) => {
      const live = await sites.read(io);
      onRead(live, io);
      return live;
    },
    apply: (change, io) => sites.apply(change, io),
    verify: (io) => sites.verify(io),
    ...(validate && { validate: async (changes, io) => void (await sites.each(changes, io, validate)) }),
    ...(hazards && { hazards: async (changes, io) => (await sites.each(changes, io, hazards)).flat() }),
    ...(readForeign && {
      readForeign: async (changes, io) => (await sites.each(changes, io, readForeign)).flat(),
    }),
    ...(readRunning && {
      readRunning: async (changes, io) =>
        new Map((await sites.each(changes, io, readRunning)).flatMap((running) => [...running])),
    }),
    ...(impact && {
      impact: async (changes, io) => mergedImpacts(await sites.each(changes, io, impact)),
    }),
    ...(guard && { guard: async (changes, io) => together(await sites.each(changes, io, guard)) }),
    ...(activate && { activate: (touched, io) => sites.activate(touched, io) }),
  };
}

/** One component over several sites. */
class Sites {
  readonly #component: Component;
  readonly #of: ReadonlyMap<ResourceId, Origin>;
  readonly #main: Origin;
  /** Sites that declare resources. */
  readonly #declaring: readonly Origin[];
  readonly #all: readonly Origin[];
  /** Who has seen what no origin declares. */
  readonly #seenBy = new Map<ResourceId, Origin>();

  constructor(component: Component, { of, main, also }: Origins) {
    this.#component = component;
    this.#of = of;
    this.#main = main;
    this.#declaring = [...new Set([main, ...of.values()])];
    this.#all = [...new Set([...this.#declaring, ...also])];
  }

  compile(): readonly Resource[] {
    return this.#declaring.flatMap((origin) =>
      this.#component.compile(origin.site).filter(({ id }) => this.#of.get(id) === origin),
    );
  }

  async read(io: Io): Promise<readonly Resource[]> {
    const found = new Map<ResourceId, Resource>();
    for (const origin of this.#all) {
      const unread: Io["unread"] = (ids, error) => {
        const own = ids.filter((id) => this.#ownerOf(id) === origin);
        if (own.length > 0) io.unread(own, error);
      };
      for (const live of await this.#component.read({ ...withOrigin(io, origin), unread })) {
        const declaredBy = this.#of.get(live.id);
        if (declaredBy === undefined ? found.has(live.id) : declaredBy !== origin) continue;
        found.set(live.id, live);
        if (declaredBy === undefined) this.#seenBy.set(live.id, origin);
      }
    }
    return [...found.values()];
  }

  apply(change: Change, io: Io): Promise<void> {
    return this.#component.apply(change, withOrigin(io, this.#ownerOf(subjectOf(change).id)));
  }

  async verify(io: Io): Promise<readonly Check[]> {
    const isIndependent = this.#component.independent === true;
    const checks: Check[] = [];
    for (const origin of isIndependent ? this.#declaring : [this.#main]) {
      const found = await this.#component.verify(withOrigin(io, origin));
      const isOwn = ({ resource }: Check): boolean => (this.#of.get(resource) ?? this.#main) === origin;
      checks.push(...(isIndependent ? found.filter(isOwn) : found));
    }
    return checks;
  }

  /** Asks once for each site that changes belong to. */
  async each<T>(
    changes: readonly Change[],
    io: Io,
    ask: (part: readonly Change[], io: Io) => Promise<T>,
  ): Promise<readonly T[]> {
    // Where nothing changes there may still be something to do: what an earlier run wrote is not active yet.
    if (changes.length === 0) return [await ask(changes, withOrigin(io, this.#main))];
    const answers: T[] = [];
    for (const origin of this.#all) {
      const part = changes.filter((change) => this.#groupOf(subjectOf(change).id) === origin);
      if (part.length > 0) answers.push(await ask(part, withOrigin(io, origin)));
    }
    return answers;
  }

  async activate(touched: readonly ResourceId[], io: Io): Promise<void> {
    for (const origin of this.#all) {
      const own = touched.filter((id) => this.#groupOf(id) === origin);
      if (own.length > 0) await this.#component.activate?.(own, withOrigin(io, origin));
    }
  }

  #ownerOf(id: ResourceId): Origin {
    return this.#of.get(id) ?? this.#seenBy.get(id) ?? this.#main;
  }

  #groupOf(id: ResourceId): Origin {
    return this.#component.independent === true ? this.#ownerOf(id) : this.#main;
  }
}

function withOrigin(io: Io, { site, apis }: Origin): Io {
  return { ...io, site, apis };
}

/** Several armed undos as one. */
function together(guards: readonly Guard[]): Guard {
  return {
    confirm: async () => {
      for (const guard of guards) await guard.confirm();
    },
  };
}
