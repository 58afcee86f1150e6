/** Which lines of the site a machine's place in a Swarm follows from. */
import { explained } from "../../fabric/explained.ts";
import { aboutGuest, addressOrigin } from "../../fabric/origins.ts";
import type { Site, Swarm, SwarmMember } from "../../model.ts";
import type { Explained, Reason } from "../../origin.ts";
import { compile, memberId } from "./compile.ts";

export function explain(site: Site): readonly Explained[] {
  const reasons = new Map(
    site.swarms.flatMap((swarm) =>
      swarm.members.map((member) => [memberId(swarm, member.guest.name), reasonOf(swarm, member)] as const),
    ),
  );
  return compile(site).map((resource) => {
    const why = reasons.get(resource.id) ?? { origins: [], about: [] };
    return explained(resource, { why });
  });
}

function reasonOf({ name }: Swarm, { guest }: SwarmMember): Reason {
  return {
    origins: [
      {
        at: guest.from,
        keys: ["swarm"],
        says: `makes ${guest.host} (${guest.name}) a member of the Swarm ${name}`,
      },
      { at: guest.from, keys: ["swarm_role"], says: "says what it is in the Swarm", optional: true },
      addressOrigin(guest),
    ],
    about: aboutGuest(guest),
  };
}
