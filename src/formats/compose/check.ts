/**
 * Values that Compose, or Docker behind it, refuses (compose-go 2, distribution/reference): reported before a deployment
 * fails because of them. A value with a variable that cannot be filled in is not judged.
 */
import type { ComposeFault, ComposeNode, Member, Name } from "./document.ts";
import { mountFaults } from "./mounts.ts";

/** "none" and "any" are Swarm's words; Compose takes them for "no" and "always". */
const restarts = ["no", "none", "always", "any", "on-failure", "unless-stopped"];

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const registry = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::\\d+)?`;
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
/** A reference to an image as Docker takes it: registry/repository:tag@digest, or the id of an image. */
export const imageReference = new RegExp(
  `^(?:sha256:[a-f0-9]{64}|(?:${registry}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][\\w+.-]*:[a-fA-F0-9]{32,})?)$`,
);

/** What Compose or Docker refuses in the values of a service. */
export function valueFaults({ key: name, value }: Member): readonly ComposeFault[] {
  const faults: (ComposeFault | readonly ComposeFault[])[] = [
    invalid(
      value.get("restart"),
      (text) => restarts.includes(text.split(":")[0] ?? ""),
      "is not a valid restart policy",
      '"no", always, on-failure or unless-stopped',
    ),
    invalid(
      value.get("image"),
      (text) => imageReference.test(text),
      "is not a valid image reference",
      "registry/repository:tag, the repository in lower case, without spaces",
    ),
    invalid(
      value.get("container_name"),
      (text) => /^[a-zA-Z0-9][\w.-]+$/.test(text),
      "is not a valid name of a container",
      'two or more letters, digits, ".", "_" and "-", with a letter or digit first',
    ),
    mountFaults(value),
    healthFaults(value.get("healthcheck").get("test")),
    hostFaults(value.get("extra_hosts")),
    environmentFaults(value.get("environment")),
    value
      .get("devices")
      .items.flatMap((device) =>
        invalid(
          device,
          (text) => text.split(":").length < 4,
          "is not a valid device",
          "/dev/HOST:/dev/CONTAINER:rwm, or the long form",
        ),
      ),
    countFaults(value.get("gpus")),
    countFaults(value.get("deploy").get("resources").get("reservations").get("devices")),
    formatFaults(value.get("env_file")),
    nullFaults(name, value),
  ];
  return faults.flat();
}

/** A simple value that is there and is known. */
export function known({ text, place, isUnknown }: ComposeNode): Name | undefined {
  return text === undefined || text === "" || isUnknown ? undefined : { name: text, place };
}

function invalid(
  node: ComposeNode,
  isValid: (text: string) => boolean,
  what: string,
  hint: string,
): readonly ComposeFault[] {
  const found = known(node);
  if (found === undefined || isValid(found.name)) return [];
  return [{ message: `${JSON.stringify(found.name)} ${what}`, place: found.place, hint }];
}

function healthFaults(test: ComposeNode): readonly ComposeFault[] {
  const [first] = test.isList ? test.items : [];
  if (first?.text === undefined || ["CMD", "CMD-SHELL", "NONE"].includes(first.text)) return [];
  const message = 'a health check\'s list must begin with "CMD", "CMD-SHELL" or "NONE"';
  return [{ message, place: first.place, hint: 'put "CMD" before the program\'s name' }];
}

function hostFaults(hosts: ComposeNode): readonly ComposeFault[] {
  if (!hosts.isList) return [];
  return hosts.items.flatMap((host) =>
    invalid(host, (text) => /[:=]./.test(text), "is not a valid extra host", "NAME=ADDRESS"),
  );
}

/** Compose 2.26 makes a name with a space of it, 2.40 refuses it. */
function environmentFaults(environment: ComposeNode): readonly ComposeFault[] {
  return environment.names.flatMap(({ name, place }): readonly ComposeFault[] => {
    const [variable = ""] = environment.isMapping ? [name] : name.split("=", 1);
    if (!/\s$/.test(variable)) return [];
    const message = `Compose 2.40 refuses the variable ${JSON.stringify(variable)}: its name ends in a space`;
    return [{ message, place, severity: "warning" }];
  });
}

function countFaults(devices: ComposeNode): readonly ComposeFault[] {
  return devices.items.flatMap((device) => {
    const count = device.member("count");
    if (count === undefined || device.member("device_ids") === undefined) return [];
    return [{ message: '"count" and "device_ids" exclude each other', place: count.place }];
  });
}

function formatFaults(files: ComposeNode): readonly ComposeFault[] {
  return files.items.flatMap((file): readonly ComposeFault[] => {
    const format = known(file.get("format"));
    if (format === undefined) return [];
    const message = `unknown format of an environment file: ${JSON.stringify(format.name)}`;
    return format.name === "raw"
      ? [
          {
            message: "Compose 2.26 (Debian 13) refuses the format raw",
            place: format.place,
            severity: "warning",
          },
        ]
      : [{ message, place: format.place, hint: "raw, or none" }];
  });
}

/** Keys whose empty value makes Compose itself crash (2.26 to 2.40). */
function nullFaults(service: string, value: ComposeNode): readonly ComposeFault[] {
  const pid = value.member("pid");
  if (pid === undefined || !pid.value.isNull) return [];
  return [{ message: `"pid" of service ${service} must be text`, place: pid.place }];
}
