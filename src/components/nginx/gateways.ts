/**
 * The gateway's component over a pair of gateways: each is converged and proved by itself, as if it were the only one. Ids of the
 * standby's resources end in "@NAME".
 */
import type { Check, Component, Hazard, Io } from "../../component.ts";
import { isUnavailable } from "../../errors.ts";
import { memo } from "../../fabric/memo.ts";
import { mergedImpacts } from "../../impact.ts";
import type { Site } from "../../model.ts";
import { type Change, mappedChange, type Resource, type ResourceId, subjectOf } from "../../resource.ts";

/** A gateway, and the site as it would be if that were the first. */
interface Side {
  readonly suffix: string;
  readonly site: Site;
}

/** The first gateway's side is the site itself. */
export const sidesOf = memo((site: Site): readonly Side[] => {
  const { gatewayPair, roles } = site;
  const own = { suffix: "", site };
  if (gatewayPair === undefined || roles.gateway === undefined) return [own];
  const { standby } = gatewayPair;
  const turned = {
    ...site,
    roles: { ...roles, gateway: standby },
    gatewayPair: { ...gatewayPair, standby: roles.gateway },
  };
  return [own, { suffix: `@${standby.name}`, site: turned }];
});

/** @param one the component as it works on `roles.gateway` alone */
export function overGateways(
  one: Required<Pick<Component, "validate" | "hazards" | "readForeign" | "impact" | "activate">> & Component,
): Component {
  return {
    ...one,
    compile: (site) =>
      sidesOf(site).flatMap((side) => one.compile(side.site).map((each) => outer(side, each))),

    async read(io) {
      const read = await Promise.all(sidesOf(io.site).map((side) => readSide(one, side, io)));
      return read.flat();
    },

    async validate(changes, io) {
      await eachSide(changes, io, one.validate);
    },

    async hazards(changes, io) {
      return (await eachSide(changes, io, one.hazards)).flatMap(({ side, result }) =>
        result.map((hazard) => outerHazard(side, hazard)),
      );
    },

    async readForeign(changes, io) {
      return (await eachSide(changes, io, one.readForeign)).flatMap(({ side, result }) =>
        result.map((each) => outer(side, each)),
      );
    },

    async impact(changes, io) {
      return mergedImpacts((await eachSide(changes, io, one.impact)).map(({ result }) => result));
    },

    async apply(change, io) {
      await eachSide([change], io, async ([own], at) => own && one.apply(own, at));
    },

    async activate(touched, io) {
      for (const side of sidesOf(io.site)) {
        const ids = touched.filter((id) => isOn(side, io.site, id)).map((id) => innerId(side, id));
        if (ids.length > 0) await one.activate(ids, { ...io, site: side.site });
      }
    },

    async verify(io) {
      const checks = await Promise.all(
        sidesOf(io.site).map(async (side) =>
          (await one.verify({ ...io, site: side.site })).map((check) => outerCheck(side, check)),
        ),
      );
      return checks.flat();
    },
  };
}

/** A gateway of two that cannot be looked at is left alone: the other one goes on. */
async function readSide(one: Component, side: Side, io: Io): Promise<readonly Resource[]> {
  try {
    return (await one.read({ ...io, site: side.site })).map((each) => outer(side, each));
  } catch (error) {
    if (sidesOf(io.site).length === 1 || !isUnavailable(error)) throw error;
    io.unread(
      one.compile(side.site).map(({ id }) => outer(side, { id }).id),
      error,
    );
    return [];
  }
}

/** Calls `work` for each gateway that changes are about, with ids as they are for it. */
async function eachSide<T>(
  changes: readonly Change[],
  io: Io,
  work: (changes: readonly Change[], io: Io) => Promise<T>,
): Promise<readonly { readonly side: Side; readonly result: T }[]> {
  const sides = sidesOf(io.site).flatMap((side) => {
    const own = changes.filter((change) => isOn(side, io.site, subjectOf(change).id));
    return own.length === 0 ? [] : [{ side, own: own.map((change) => inner(side, change)) }];
  });
  return Promise.all(
    sides.map(async ({ side, own }) => ({ side, result: await work(own, { ...io, site: side.site }) })),
  );
}

function isOn({ suffix }: Side, site: Site, id: ResourceId): boolean {
  const named = sidesOf(site).find((each) => each.suffix !== "" && id.endsWith(each.suffix));
  return (named?.suffix ?? "") === suffix;
}

function innerId({ suffix }: Side, id: ResourceId): ResourceId {
  return suffix === "" ? id : (id.slice(0, -suffix.length) as ResourceId);
}

function outer<T extends Pick<Resource, "id">>({ suffix }: Side, resource: T): T {
  return suffix === "" ? resource : { ...resource, id: `${resource.id}${suffix}` };
}

function inner(side: Side, change: Change): Change {
  return mappedChange(change, (resource) => ({ ...resource, id: innerId(side, resource.id) }));
}

function outerHazard(side: Side, hazard: Hazard): Hazard {
  const changes = hazard.foreign?.changes;
  if (side.suffix === "" || hazard.foreign === undefined || changes === undefined) return hazard;
  const renamed = changes.map((change) => mappedChange(change, (resource) => outer(side, resource)));
  return { ...hazard, foreign: { ...hazard.foreign, changes: renamed } };
}

/** Both gateways make the same claims: the standby's say whose they are. */
function outerCheck({ suffix, site }: Side, check: Check): Check {
  if (suffix === "") return check;
  const claim = `${check.claim}, on ${site.roles.gateway?.name}`;
  return { ...check, resource: `${check.resource}${suffix}`, claim };
}
