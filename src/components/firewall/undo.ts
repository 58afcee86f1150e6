/**
 * The undo that needs no Phoenix: copies of the previous files, a script that restores them byte for byte, and a manifest that
 * says which copy goes where. All of it is on the hypervisor.
 */
import type { FileState, FileWrite } from "../../hosts/host.ts";
import type { Script } from "../../hosts/script.ts";

/** The transient unit's name, without ".timer". One name: a second change cannot be armed beside an unconfirmed one. */
export const undoUnit = "phoenix-firewall-undo";

/**
 * Seconds from arming the undo to its start. The daemon needs up to 10 s to notice new files, and a check of a dropped port
 * takes 3 s; Proxmox itself gives a firewall 60 s that is enabled for a trial.
 */
export const undoWindowSeconds = 60;

export const undoDirectory = "/var/lib/phoenix/firewall-undo";

/** The unit that runs the undo at boot: a transient timer does not outlive the machine's restart. */
export const bootUnit = `${undoUnit}-at-boot.service`;

export const undoPaths = {
  script: `${undoDirectory}/restore`,
  bootUnit: `/etc/systemd/system/${bootUnit}`,
  /** While this file exists the machine's next boot undoes what is not confirmed. */
  wantedAtBoot: `/etc/systemd/system/multi-user.target.d/${undoUnit}.conf`,
  manifest: `${undoDirectory}/manifest`,
  /** Written by the script when it has run. */
  restored: `${undoDirectory}/restored`,
} as const;

/**
 * Parameter: the directory. Reads its `manifest`, one line for each step: `file COPY PATH` restores a copy, `absent - PATH`
 * removes a file that did not exist, `stopped - -` stops the daemon that Phoenix started. pmxcfs refuses chmod and copies with
 * a mode, so cat writes the content to a file beside it, which is renamed. The unit at boot is removed after a success.
 */
export const restoreScript: Script = {
  name: "firewall-restore",
  body: `failed=0
[ -r "$1/manifest" ] || exit 1
while read -r step copy path; do
  case $step in
  file) cat "$1/$copy" >"$path.phx" && mv -f "$path.phx" "$path" || failed=1 ;;
  absent) rm -f "$path" || failed=1 ;;
  stopped) systemctl stop pve-firewall.service || failed=1 ;;
  esac
done <"$1/manifest"
[ "$failed" = 0 ] || exit 1
rm -f ${undoPaths.wantedAtBoot} ${undoPaths.bootUnit} && echo restored >"$1/restored"
`,
};

/** Writes before /etc/pve is mounted would be lost: systemd tries again until it is. */
const bootText = `# Written by phoenix: a firewall change is not confirmed yet. It goes with the confirmation.
[Unit]
Description=Undo of a firewall change that was not confirmed before the restart
After=pve-cluster.service pve-firewall.service

[Service]
Type=oneshot
ExecStartPre=/usr/bin/test -e /etc/pve/.version
ExecStart=/bin/sh ${undoPaths.script} ${undoDirectory}
Restart=on-failure
RestartSec=5s
`;

/** Does what `systemctl enable` does with a link, as a file: it is written whole and synced like every other. */
export const wantedAtBoot: FileWrite = {
  path: undoPaths.wantedAtBoot,
  text: `[Unit]\nWants=${bootUnit}\n`,
  mode: "644",
};

/** The script as a file, with the first line that names it. */
export const restoreText = `: phoenix ${restoreScript.name}\n${restoreScript.body}`;

/** Everything that the undo needs: the current files, or their absence. Only root may read it. */
export function undoFiles(
  paths: readonly string[],
  files: ReadonlyMap<string, FileState>,
  daemonRuns: boolean,
): readonly FileWrite[] {
  const copies = paths.flatMap((path, at): readonly FileWrite[] => {
    const file = files.get(path);
    return file === undefined ? [] : [{ path: `${undoDirectory}/copy-${at}`, text: file.text, mode: "600" }];
  });
  const steps = paths.map((path, at) => (files.has(path) ? `file copy-${at} ${path}` : `absent - ${path}`));
  const manifest = [...steps, ...(daemonRuns ? [] : ["stopped - -"])].map((step) => `${step}\n`).join("");
  return [
    ...copies,
    { path: undoPaths.manifest, text: manifest, mode: "600" },
    { path: undoPaths.script, text: restoreText, mode: "600" },
    { path: undoPaths.bootUnit, text: bootText, mode: "644" },
  ];
}

/** The steps of a manifest: a path with its copy, a path to remove, or neither to stop the daemon. */
export function manifestSteps(text: string): readonly { readonly path?: string; readonly copy?: string }[] {
  return text.split("\n").flatMap((line) => {
    const [step, copy = "", path = ""] = line.split(" ");
    if (step === "file") return [{ path, copy: `${undoDirectory}/${copy}` }];
    if (step === "absent") return [{ path }];
    return step === "stopped" ? [{}] : [];
  });
}
