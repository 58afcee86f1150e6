/** The shapes of stacks/NAME/phoenix.json, etc/phoenix_stacks_config.json and etc/certificate-manifest.json. */
import { optionKeys, ruleShape } from "./fabric.ts";
import { anyText, choice, either, flag, ignored, list, map, object, since, text } from "./shape.ts";

const value = either("A value.", anyText(), flag());
const label = either("A value.", text(), flag());

const variableShape = object("a variable", ["name", "value"], {
  name: text("The variable's name."),
  value,
  ...ignored("sensitive", "secret"),
});

const fileShape = object("a file", ["source"], {
  source: text("The file's path in the stack's directory, or below the site's root."),
  "destination_in_container|destination": text(
    "The file's absolute path in the container. Without it, the Compose file alone says what the file is for: env_file, a config, a secret, a bind.",
  ),
});

const environmentKeys = {
  variables: either(
    'Variables of the Compose file: [{"name": …, "value": …}] or {"NAME": "value"}. A value may be a secret (env:NAME …).',
    list(variableShape),
    map(value),
  ),
  external: since("0.3", flag("true: somebody else's proxy serves all routes of the stack. Default: false.")),
  files: list(fileShape, "Files that containers mount."),
  services: map(
    object("a service of the stack", [], {
      "traefik_labels|labels": either(
        "Traefik labels to add to the service: key=value, or an object.",
        list(text()),
        map(label),
      ),
      external: since("0.3", flag("true: somebody else's proxy serves its routes. Default: false.")),
      ...optionKeys,
    }),
    "Settings by the service's name in the Compose file.",
  ),
  firewall_rules: list(ruleShape, "Rules for each virtual machine that runs the stack."),
  volumes: map(
    text(),
    'Directories of external volumes below the machine\'s share: {"data": "qdrant/storage"}. Default: volumes/NAME.',
  ),
  networks: since(
    "0.3",
    map(
      choice(["create", "exists"]),
      'External networks: {"proxy": "create"} creates one on the virtual machine, "exists" leaves that to somebody else.',
    ),
  ),
  owners: since(
    "0.3",
    object("the owners", [], {
      teams: list(
        text(),
        "Teams that own the stack in Portainer, by name. Without owners, it is owned as Portainer has it.",
      ),
      users: list(text(), "Users that own it, by name. Without teams and users, administrators alone do."),
    }),
  ),
} as const;

export const stackShape = object("the stack's configuration", [], {
  description: anyText("What the stack is for."),
  environments: map(
    object("an environment", [], environmentKeys),
    "Environments by name. production is deployed unless a virtual machine names another.",
  ),
  ...environmentKeys,
  ...ignored("name", "version", "dependencies"),
});

export const stacksShape = object("the stacks' configuration", ["docker_stacks"], {
  docker_stacks: map(
    object("a stack", [], {
      ...stackShape.keys,
      compose_file_path: text("The path of the Compose file below the site's root."),
    }),
  ),
  ...ignored("version"),
});

const certificateShape = object("a certificate", ["common_name", "cert_path", "key_path"], {
  common_name: text("The certificate's common name."),
  sans: either("More names: host names and addresses.", list(text()), text()),
  cert_path: text("The absolute path of the certificate on the hypervisor."),
  key_path: text("The absolute path of the private key on the hypervisor."),
  owner: text(
    "The owner of the files, as the guest that uses them knows it: user:group. Default: root:root.",
  ),
  permissions: text("The mode of the private key in octal digits. Default: 600."),
  post_renewal_command: text("A command that the hypervisor runs after a renewal."),
  ...ignored("renewal_days", "validity", "not_after", "provisioner"),
});

export const certificatesShape = either(
  "The certificates of the site.",
  list(certificateShape),
  object("the certificate manifest", ["certificates"], {
    certificates: list(certificateShape),
    ...ignored("version"),
  }),
);
