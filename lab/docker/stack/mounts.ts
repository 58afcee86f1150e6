/** Mounts of a stack's service (docker/cli 26.1, compose/convert). Pure. */
import { posix } from "node:path";
import { isYamlObject, listOf, type YamlObject } from "../compose-values.ts";
import {
  defined,
  isExternal,
  type Json,
  labelsOf,
  membersOf,
  namespaceLabel,
  realName,
  type StackSource,
} from "./names.ts";
import { StackError } from "./words.ts";

/** @throws StackError */
export function mountsOf(
  source: StackSource,
  document: YamlObject,
  key: string,
  service: YamlObject,
): readonly Json[] | undefined {
  const volumes = new Map(membersOf(document, "volumes"));
  const mounts = listOf(service.volumes).map((each): Json => {
    const long = isYamlObject(each) ? each : shortMount(String(each));
    const { type, target } = long;
    const ReadOnly = long.read_only === true ? true : undefined;
    if (type === "tmpfs") {
      const size = isYamlObject(long.tmpfs) ? long.tmpfs.size : undefined;
      return defined({
        Type: "tmpfs",
        Target: target,
        TmpfsOptions: size === undefined ? undefined : { SizeBytes: size },
      });
    }
    if (type === "bind")
      return defined({
        Type: "bind",
        Source: posix.resolve(source.directory, String(long.source ?? "")),
        Target: target,
        ReadOnly,
      });
    if (type !== "volume")
      throw new StackError(`service ${key}: volume type must be volume, bind, tmpfs, npipe, or cluster`);
    if (long.source === undefined) return { Type: "volume", Target: target };
    const name = String(long.source);
    const volume = volumes.get(name);
    if (volume === undefined)
      throw new StackError(`service ${key}: undefined volume ${JSON.stringify(name)}`);
    return defined({
      Type: "volume",
      Source: realName(source, name, volume),
      Target: target,
      ReadOnly,
      VolumeOptions: volumeOptions(source, long, volume),
    });
  });
  return mounts.length === 0 ? undefined : mounts;
}

function volumeOptions(source: StackSource, long: YamlObject, volume: YamlObject): Json {
  const nocopy = isYamlObject(long.volume) && long.volume.nocopy === true ? true : undefined;
  if (isExternal(volume)) return defined({ NoCopy: nocopy });
  const hasDriver = volume.driver !== undefined || volume.driver_opts !== undefined;
  return defined({
    NoCopy: nocopy,
    Labels: labelsOf(volume.labels, { [namespaceLabel]: source.name }),
    DriverConfig: hasDriver ? defined({ Name: volume.driver, Options: volume.driver_opts }) : undefined,
  });
}

/** A drive letter is no volume's name: "d:/d" is one path. */
function shortMount(text: string): YamlObject {
  if (/^[a-zA-Z]:[\\/]/.test(text) || !text.includes(":")) return { type: "volume", target: text };
  const [from = "", target = "", mode = ""] = text.split(":");
  return {
    type: /^[/.~]/.test(from) ? "bind" : "volume",
    source: from,
    target,
    read_only: mode.split(",").includes("ro"),
  };
}
