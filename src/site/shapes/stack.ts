/** The shapes of stacks/NAME/phoenix.json, etc/phoenix_stacks_config.json and etc/certificate-manifest.json. */

import { optionKeys, ruleShape } from "./fabric.ts";
import { either, flag, ignored, list, map, object, text } from "./shape.ts";

const value = either("A value.", text(), flag());

const environmentKeys = {
  variables: either(
    'Variables of the compose file: [{"name": …, "value": …}] or {"NAME": "value"}. Values may be secrets (env:NAME …).',
    list(object("a variable", { name: text(), value, ...ignored("sensitive", "secret") }, ["name", "value"])),
    map(value),
  ),
  files: list(
    object(
      "a file",
      {
        source: text("Below the stack's directory, or below the site's root."),
        destination_in_container: text("Its absolute path in the container."),
        destination: text("The same as `destination_in_container`."),
      },
      ["source", ["destination_in_container", "destination"]],
    ),
    "Files that containers find at a path of their own.",
  ),
  services: map(
    object("a service of the stack", {
      traefik_labels: either("Traefik labels to add to the compose service.", list(text()), map(value)),
      labels: either("The same as `traefik_labels`.", list(text()), map(value)),
      ...optionKeys,
    }),
    "By the compose service's name.",
  ),
  firewall_rules: list(ruleShape, "Rules for each virtual machine that runs the stack."),
  volumes: map(
    text(),
    'Where external volumes lie below the machine\'s share: {"data": "qdrant/storage"}; volumes/NAME when left out.',
  ),
} as const;

export const environmentShape = object("an environment", { ...environmentKeys });

export const stackShape = object("the stack's configuration", {
  description: text("What the stack is for."),
  environments: map(
    environmentShape,
    "By name; production is the one that is deployed unless a machine names another.",
  ),
  ...environmentKeys,
  ...ignored("name", "version", "dependencies"),
});

export const stacksShape = object(
  "the stacks' configuration",
  {
    docker_stacks: map(
      object("a stack", {
        ...stackShape.keys,
        compose_file_path: text("The compose file, below the site's root."),
      }),
    ),
    ...ignored("version"),
  },
  ["docker_stacks"],
);

export const certificateShape = object(
  "a certificate",
  {
    common_name: text("The certificate's first name."),
    sans: either("More names: host names and addresses.", list(text()), text()),
    cert_path: text("Absolute path on the hypervisor."),
    key_path: text("Absolute path on the hypervisor."),
    owner: text("user:group; root:root when left out."),
    permissions: text("Octal digits of the key's mode: 640; 600 when left out."),
    post_renewal_command: text("Run on the hypervisor after the pair was replaced."),
    ...ignored("renewal_days", "validity", "not_after", "provisioner"),
  },
  ["common_name", "cert_path", "key_path"],
);

export const certificatesShape = either(
  "The certificates of the fabric.",
  list(certificateShape),
  object("the certificate manifest", { certificates: list(certificateShape), ...ignored("version") }, [
    "certificates",
  ]),
);
