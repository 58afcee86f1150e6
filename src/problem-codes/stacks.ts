/** PHX04xx: stacks, their Compose files and their labels. */
import { both, error, warning } from "./kind.ts";

export const stackCodes = {
  PHX0401: error`unknown stack
    A virtual machine's docker_stacks names a stack that does not exist.
    Correct the name, or create stacks/NAME with docker-compose.yml and phoenix.json.`,
  PHX0402: warning`unassigned stack
    No virtual machine runs a stack of the site. The stack is not deployed.
    Add its name to the docker_stacks of a virtual machine, or remove its directory.`,
  PHX0403: error`unknown environment
    A stack does not have the environment that a virtual machine asks for.
    Name an environment of its phoenix.json: {"name": "wiki", "environment": "staging"}.`,
  PHX0404: error`missing or ambiguous Compose file
    A stack has no Compose file, or several.
    Keep exactly one: stacks/NAME/docker-compose.yml.`,
  PHX0405: both`fault in a Compose file
    Docker Compose would refuse the file, or the file needs something that a stack cannot have.
    Correct the file at this place. Variables get their values in phoenix.json.`,
  PHX0406: error`invalid or duplicate variable
    A variable's name is not valid, or a stack has the variable twice.
    Use letters, digits and underscores, not beginning with a digit, and each name once.`,
  PHX0407: error`invalid file of a stack
    A file lies outside the site, its destination is not an absolute path, or two files have the same destination.
    Put the file into the stack's directory and name its absolute path in the container.`,
  PHX0408: error`labels for an unknown service
    phoenix.json has settings for a service that the stack's Compose file does not have.
    Correct the service's name.`,
  PHX0409: error`port published twice
    Two containers of a virtual machine publish the same port. The second of them would not start.
    Publish one of them on another port.`,
  PHX0410: error`invalid label
    A label is not key=value, has two values, or has a variable or a dollar sign that Docker Compose cannot resolve.
    Write key=value. Write a dollar sign that does not begin a variable as $$.`,
  PHX0411: both`invalid Traefik labels
    A container's Traefik labels do not make a route that works: they name an unknown entry point, middleware, port or option, or have a value that Traefik 3.0 or 3.7 refuses.
    Correct the label. The container must publish the port that the route leads to.`,
  PHX0413: error`duplicate stack name in Portainer
    Two stacks would get the same stack name. Portainer keeps lower-case letters, digits, - and _ only.
    Rename one of them.`,
  PHX0414: error`stack assigned twice
    A virtual machine's docker_stacks has the same stack and environment twice.
    Remove one of them.`,
  PHX0415: error`stack on a container or template
    Stacks run on virtual machines. A container or a template cannot have docker_stacks.
    Assign the stack to a virtual machine.`,
  PHX0416: error`invalid volume
    A volume's directory leads out of the share, or the Compose file has no such external volume.
    Name a directory below the share, and a volume that the Compose file declares with external: true.`,
  PHX0417: error`container name used twice
    Containers of two stacks on one virtual machine have the same container_name. The second of them would not start.
    Remove container_name, or give each its own.`,
  PHX0418: error`network made twice
    Two stacks on one virtual machine make a network of the same name. Docker Compose refuses the second of them.
    Let one stack make it, and declare it in the other with external: true.`,
  PHX0419: warning`external network that nobody makes
    A Compose file uses an external network. Its deployment fails while the network does not exist on the virtual machine.
    Declare it in phoenix.json: "networks": {"proxy": "create"}, or "exists" where somebody else creates it.`,
  PHX0420: error`unknown external network
    phoenix.json has a network that the Compose file does not declare with external: true.
    Correct the network's name, or remove it.`,
  PHX0421: warning`variable that Portainer overrides
    Portainer runs Docker Compose with variables of its own environment, and these take precedence over a stack's.
    Give the variable another name.`,
} as const;
