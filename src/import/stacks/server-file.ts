/** The Compose file of a Portainer server that Phoenix set up: without what Phoenix adds to it. Pure. */
import { isMap, isScalar, isSeq } from "yaml";
import { paths } from "../../components/portainer/compile.ts";
import { portainerCompose, type ServerAdditions } from "../../components/portainer/compose.ts";
import { definitionLabel, serverImage } from "../../fabric/portainer-server.ts";
import { ComposeDocument } from "../../formats/compose/document.ts";
import { type EditedService, editService } from "../../formats/compose/edit.ts";
import { mountsOf } from "../../formats/compose/mounts.ts";
import { yamlText } from "../../formats/yaml/index.ts";

/** Where Phoenix mounts what it adds, in the server's container. */
const ownTarget = /^\/phoenix\/(?:certs|keys|admin-password)$/;
const ownOptions = ["--sslcert", "--sslkey", "--admin-password-file"];

export interface ServerFile {
  /** The file as the site declares it. */
  readonly text: string;
  /** Where the certificate and its key are on the machine. */
  readonly certPath: string;
  readonly keyPath: string;
}

/** Undefined for a file that Phoenix did not write, or from which the declared one cannot be told exactly. */
export function declaredServerFile(text: string, port: number): ServerFile | undefined {
  const additions = additionsIn(text, port);
  if (additions === undefined) return undefined;
  for (const removesEmpty of [true, false]) {
    const declared = without(text, removesEmpty);
    const again = declared === undefined ? undefined : portainerCompose(declared, additions);
    if (declared !== undefined && again !== undefined && "compose" in again && again.compose.text === text)
      return { text: declared, certPath: additions.certPath, keyPath: additions.keyPath };
  }
  return undefined;
}

/** What Phoenix added to the file, as the file itself shows it. */
function additionsIn(text: string, port: number): ServerAdditions | undefined {
  const service = serverIn(new ComposeDocument(text, new Map()));
  if (service === undefined || !text.includes(definitionLabel)) return undefined;
  const words = service.node.get("command").items.map(({ written }) => written);
  const mounts = mountsOf(service.node);
  const onMachine = (option: string): string | undefined => {
    const inside = words[words.indexOf(option) + 1];
    if (!words.includes(option) || inside === undefined) return undefined;
    const mount = mounts.find(({ target }) => inside.startsWith(`${target}/`));
    return mount && `${mount.source}${inside.slice(mount.target.length)}`;
  };
  const [certPath, keyPath] = [onMachine("--sslcert"), onMachine("--sslkey")];
  if (certPath === undefined || keyPath === undefined) return undefined;
  const withPassword = words.includes("--admin-password-file");
  return {
    ...{ certPath, keyPath, port, environmentFile: paths.serverEnvironment },
    ...(withPassword ? { passwordFile: paths.adminPassword } : {}),
  };
}

function serverIn(document: ComposeDocument): EditedService | undefined {
  const found = document.services.members.find(({ value }) =>
    serverImage.test(value.get("image").text ?? ""),
  );
  return found === undefined ? undefined : editService(document, found.key);
}

function without(text: string, removesEmpty: boolean): string | undefined {
  const document = new ComposeDocument(text, new Map());
  const service = serverIn(document);
  if (service === undefined) return undefined;
  const words = service.node.get("command").items.map(({ written }) => written);
  const kept = words.filter(
    (word, at) => !ownOptions.includes(word) && !ownOptions.includes(words[at - 1] ?? ""),
  );
  const keep = (key: string, isOwn: (item: unknown) => boolean): void => {
    const list = service.own(key);
    if (isSeq(list)) list.items = list.items.filter((item) => !isOwn(item));
    if (isMap(list)) list.items = list.items.filter((pair) => !isOwn(pair.key));
    if (list?.items.length === 0 && removesEmpty) service.remove(key);
  };
  if (kept.length === 0 && removesEmpty) service.remove("command");
  else service.set("command", kept);
  keep("volumes", (item) => isMap(item) && ownTarget.test(String(item.get("target"))));
  keep("env_file", (item) => isScalar(item) && item.value === paths.serverEnvironment);
  keep("labels", (item) => isScalar(item) && String(item.value).split("=")[0] === definitionLabel);
  return yamlText(document.yaml);
}
