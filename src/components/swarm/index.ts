/** Docker Swarms: the declared machines become their members, in their roles. Who is in a Swarm and not declared stays in it without consent. */
import { type Component, foreignHazard } from "../../component.ts";
import { noImpact } from "../../impact.ts";
import { subjectOf } from "../../resource.ts";
import { applyMember } from "./apply.ts";
import { compile, type Membership, memberId } from "./compile.ts";
import { engineView, updateNode } from "./engine.ts";
import { leaveSwarm } from "./leave.ts";
import { look } from "./look.ts";
import { read } from "./read.ts";
import { verify } from "./verify.ts";

/** Independent: one machine that cannot join must not take the others out again. */
export const swarm: Component = {
  name: "swarm",
  after: ["firewall"],
  independent: true,
  compile,
  read,

  async hazards(changes, io) {
    const touched = new Set(changes.map((change) => membershipOf(subjectOf(change)).swarm));
    const declared = io.site.swarms.filter(({ name }) => touched.has(name));
    const seen = await Promise.all(declared.map((each) => look(io, each)));
    return seen.flatMap(({ swarm: { name }, lead }) =>
      lead === undefined || lead.isOurs
        ? []
        : [
            foreignHazard(
              `the Swarm on ${lead.manager.host} was made by somebody else, and is declared as ${name}`,
              {
                host: lead.manager.host,
                name: `Swarm ${lead.clusterId}`,
                takeover: `it is marked as the declared Swarm ${name}; its nodes and services stay`,
              },
            ),
          ],
    );
  },

  async impact(changes) {
    const notices = changes.flatMap((change) =>
      change.verb === "delete"
        ? [
            `the containers on ${subjectOf(change).host} move to other members of the Swarm ${membershipOf(change.live).swarm}`,
          ]
        : [],
    );
    return { ...noImpact, notices };
  },

  async apply(change, io) {
    const subject = subjectOf(change);
    const wanted = membershipOf(subject);
    const declared = io.site.swarms.find(({ name }) => name === wanted.swarm);
    if (declared === undefined) return;
    const member = declared.members.find(({ guest }) => memberId(declared, guest.name) === subject.id);
    if (change.verb !== "delete") {
      if (member !== undefined && wanted.node === undefined) return applyMember(declared, member, wanted, io);
      // What a failed leave has left: the node goes back to what it was.
      const { lead } = await look(io, declared);
      const { node = "", role, availability } = wanted;
      if (lead?.nodes.some(({ id }) => id === node) !== true) return;
      const before = availability === "drain" ? "drain" : "active";
      return updateNode(io.host(lead.manager.host), node, { role, availability: before });
    }
    const node = wanted.node ?? (member && (await engineView(io.host(member.guest.host))).nodeId);
    if (node !== undefined && node !== "") await leaveSwarm(declared, node, io);
  },

  verify,
};

function membershipOf({ text }: { readonly text: string }): Membership {
  return JSON.parse(text) as Membership;
}
