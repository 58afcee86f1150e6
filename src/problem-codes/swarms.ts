/** PHX09xx: Docker Swarms and their members. */
import { both, error, warning } from "./kind.ts";

export const swarmCodes = {
  PHX0901: error`Swarm without a manager
    A Swarm needs at least one manager: it keeps the Swarm's state and places its containers.
    Give one member "swarm_role": "manager", better three of them.`,
  PHX0902: warning`even number of managers
    More than half of a Swarm's managers must be there. Of two, the loss of either stops every change; of four, no more may be lost than of three.
    Have one, three or five managers.`,
  PHX0903: error`guest cannot be a member of a Swarm
    The members of a Swarm are virtual machines. A container or a template cannot be one.
    Remove "swarm" from the guest, or declare it on a virtual machine.`,
  PHX0904: error`stack assigned to a member of a Swarm
    A virtual machine that is a member of a Swarm has no environment of its own in Portainer: the Swarm has one, and places the containers.
    Assign the stack to the Swarm: "swarms": {"oak": {"docker_stacks": ["wiki"]}} in the hypervisor's configuration.`,
  PHX0905: error`Swarm without members
    "swarms" names a Swarm that no virtual machine is a member of.
    Correct the name, or give its virtual machines "swarm": "NAME".`,
  PHX0906: error`invalid Swarm name or role
    The name of a Swarm, or the role of one of its members, is not valid.
    Use letters, digits, hyphens and underscores for the name, and manager or worker for the role.`,
  PHX0907: both`Compose file that a Swarm cannot use as it is
    docker stack deploy (26.1.5), which Portainer runs for a Swarm, refuses what is an error here. What is a warning it ignores without a word, or reads otherwise than Docker Compose.
    Correct the file at this place, or assign the stack to a virtual machine of its own.`,
  PHX0908: warning`update of a Swarm's service that leaves nobody to answer
    A service has several tasks so that one answers while another is replaced. This update leaves a moment without any.
    Change deploy.update_config as the hint says.`,
} as const;
