/** Which lines of the site each line of a stack's files on its share follows from. */
import { labelsAddedTo } from "../../fabric/containers-at.ts";
import { explainedFile, linesOf } from "../../fabric/explained.ts";
import { shareOrigin } from "../../fabric/origins.ts";
import { filesLabel } from "../../formats/compose/file-labels.ts";
import type { SourceLine } from "../../formats/compose/source-lines.ts";
import type { Stack, StackFile } from "../../model.ts";
import type { GeneratedText, LineReason, Origin, Reason } from "../../origin.ts";
import type { StackTarget } from "./facts.ts";

const composeName = "docker-compose.yml";

/** The Compose file on the share, which is what Portainer gets as well. */
export function composeFile({ stack, share, prepared }: StackTarget, why: Reason): GeneratedText {
  const { text, lines } = prepared;
  const written = explainedFile(share.host, `${share.path}/${composeName}`, text, (line, at) =>
    lineReason(stack, line, lines[at] ?? { path: [] }, why),
  );
  return stack.files.length > 0 ? { ...written, sensitive: true } : written;
}

function lineReason(stack: Stack, line: string, { source, path }: SourceLine, why: Reason): LineReason {
  const [section, name] = path;
  const about = [
    ...(section === "services" && name !== undefined ? [`container:${stack.name}/${name}` as const] : []),
    ...(section === "volumes" && name !== undefined ? [`volume:${name}` as const] : []),
    ...why.about,
  ];
  const base = { unit: "compose file", about };
  const from = writtenIn(stack, source);
  const used = stack.variables.filter((variable) => mentions(line, variable.name));
  const variables = used.map(
    (variable): Origin => ({ at: variable.from, says: `declares ${variable.name}` }),
  );
  if (source !== undefined) {
    const moved = line.includes(`${stack.share.mountPoint}/stacks/`);
    return {
      ...base,
      origins: [
        ...from,
        ...variables,
        ...(moved ? [shareOrigin(stack.guest, stack.share)] : []),
        ...rest(why),
      ],
      ...(moved ? { note: "a relative path leads to the stack's directory on the share" } : {}),
    };
  }
  return { ...base, ...addedLine(stack, line, path, why) };
}

/** All but the Compose file as a whole. */
function rest({ origins }: Reason): readonly Origin[] {
  return origins.slice(0, 1);
}

function writtenIn({ compose }: Stack, line: number | undefined): readonly Origin[] {
  return line === undefined
    ? []
    : [{ at: { file: compose.file, line, column: 1 }, says: "is where it is written" }];
}

function mentions(line: string, name: string): boolean {
  return new RegExp(`\\$(?:\\{${name}\\b|${name}\\b)`).test(line);
}

/** A line that Phoenix adds: a label of phoenix.json, a mount of a file, the variables of an environment file. */
function addedLine(
  stack: Stack,
  line: string,
  path: readonly string[],
  why: Reason,
): Pick<Reason, "origins" | "note"> {
  const [, service = "", key] = path;
  const files = stack.files.map(({ from }): Origin => ({ at: from, says: "brings a file that it mounts" }));
  if (line.includes(filesLabel))
    return {
      origins: [...files, ...rest(why)],
      note: "a fingerprint of the files that the service mounts: another one recreates its container",
    };
  if (key === "labels") {
    const labels = labelsAddedTo(stack, service);
    const found = labels.filter((label) => line.includes(label.key));
    return {
      origins: [...found.map(({ from }) => ({ at: from, says: "adds the label" })), ...rest(why)],
      note: "labels of phoenix.json are added to those of the Compose file",
    };
  }
  if (key === "volumes") {
    const named = stack.files.filter(
      ({ source, destination }) =>
        line.includes(destination) || line.includes(source.split("/").at(-1) ?? source),
    );
    const origins = (named.length === 0 ? stack.files : named).map(
      ({ from }): Origin => ({ at: from, says: "is mounted here" }),
    );
    return {
      origins: [...origins, shareOrigin(stack.guest, stack.share), ...rest(why)],
      note: "mounts a file of the stack, for reading",
    };
  }
  if (key === "environment")
    return {
      origins: [...files, ...rest(why)],
      note: "a variable of an environment file, written out: Portainer gets one text",
    };
  return { origins: why.origins };
}

/** A file that containers mount: each line is one of the site's file. */
export function copiedFile(
  { share }: StackTarget,
  file: StackFile,
  path: string,
  why: Reason,
): GeneratedText {
  // It may hold passwords: how many lines it has is all that is said.
  const lines = linesOf(file.content.reveal()).map(
    (_, at): LineReason => ({
      unit: `file ${path}`,
      origins: [
        { at: { file: file.source, line: at + 1, column: 1 }, says: "is where it is written" },
        { at: file.from, says: "brings the file" },
        ...rest(why),
      ],
      about: [`file:${file.source}`, ...why.about],
    }),
  );
  const text = "\n".repeat(lines.length);
  return { host: share.host, path: `${share.path}/${path}`, text, sensitive: true, lines };
}
