/** PHX07xx: Portainer's server, agents and environments. */
import { both, error, warning } from "./kind.ts";

export const portainerCodes = {
  PHX0701: error`stack on a machine without an environment
    A stack is assigned to a virtual machine that is not an environment of Portainer, so Portainer cannot deploy it.
    Give the virtual machine "portainer_role": "agent".`,
  PHX0702: error`missing NFS volume
    A virtual machine that runs Portainer or a stack has no NFS volume for their files.
    Add one to its volumes: {"type": "nfs", "path": …, "mount_point": …}.`,
  PHX0703: error`no Portainer server, or several
    Agents or stacks need Portainer, and no virtual machine has "portainer_role": "primary", or several have.
    Give the role primary to exactly one virtual machine.`,
  PHX0704: error`incomplete Portainer settings
    Portainer has no valid host name, or its administrator has no password.
    Set portainer_hostname and admin_password in portainer_api.`,
  PHX0705: warning`password too short
    Portainer refuses passwords this short when it creates the administrator. An existing administrator may have one.
    Choose a longer password.`,
  PHX0706: error`no Compose file for Portainer, or several
    No stack, or several, could be Portainer's server: the one with the image portainer/portainer-ce or portainer-ee.
    Write stacks/portainer_service/docker-compose.yml, or name the right stack in the docker_stacks of the primary.`,
  PHX0707: error`duplicate environment name
    Two environments of Portainer have the same name, or a name is empty. Phoenix tells environments apart by their names.
    Set portainer_environment_name of one of them.`,
  PHX0708: error`no certificate for Portainer
    The manifest has no certificate on the share of Portainer's virtual machine, or another server than the hypervisor exports
    that share.
    Add a certificate with cert_path and key_path on the share, which the hypervisor must export.`,
  PHX0709: both`invalid Portainer role
    A Portainer role is unknown (an error), or a container has one (a warning: Portainer runs on virtual machines only).
    Use primary, agent or none, on virtual machines only.`,
  PHX0710: error`invalid registry
    Two registries of portainer_api have the same name, or a url is not a host with an optional port and path.
    Give each a name of its own, and a url as images' names begin: registry.example.net:5000.`,
  PHX0711: error`invalid owner of a stack
    A team or user in the owners of a stack has an empty name, or is named twice.
    Name each once, as Portainer calls it.`,
} as const;
