/**
 * The undo that needs no Phoenix: copies of the previous files, a script that restores them byte for byte, and a manifest that
 * says which copy goes where. All of it is on the hypervisor, in a cluster on every node that is online.
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
  /** Written by the script when it has run: "restored", and a line "left PATH" for each file that it left as it was. */
  restored: `${undoDirectory}/restored`,
  /** The number of the last confirmed change of a cluster. One write there confirms it for every node, also for one that is off. */
  confirmed: "/etc/pve/priv/phoenix-firewall-confirmed",
} as const;

/**
 * Parameter: the directory. Reads its `manifest`, one line for each step:
 * - `file COPY PATH [DIGESTS]` restores a copy, `absent - PATH [DIGESTS]` removes a file that did not exist. With digests, only what has
 *   one of them is replaced (SHA-256, with commas between, `absent` for no file): anything else somebody wrote since, and is left;
 * - `stopped - -` stops the daemon that Phoenix started;
 * - `cluster NUMBER CONFIRMED`, the first line in a cluster, ends the undo where that file has this number or a later one. Without quorum
 *   /etc/pve refuses every write, perhaps because of the new rules: the daemon is stopped, which removes them, until a write works.
 * pmxcfs refuses chmod and copies with a mode, so cat writes the content to a file beside it, which is renamed; nodes that restore at the
 * same time write files of their own, with one content. The unit at boot is removed after a success.
 */
export const restoreScript: Script = {
  name: "firewall-restore",
  body: `failed=0 stopped=0 confirmed=0 left=
own=phx-$(uname -n)
[ -r "$1/manifest" ] || exit 1
is_confirmed() { [ -r "$1" ] && [ "$(cat "$1")" -ge "$2" ]; }
is_writable() { rmdir "$1.$own" 2>/dev/null; mkdir "$1.$own" 2>/dev/null && rmdir "$1.$own"; }
digest() { if [ -e "$1" ]; then sha256sum <"$1"; else echo absent; fi; }
is_foreign() {
  [ -n "$2" ] || return 1
  now=$(digest "$1")
  case ",$2," in *",\${now%% *},"*) return 1 ;; esac
  left="$left
left $1"
}
while read -r step copy path known; do
  case $step in
  cluster)
    if ! is_confirmed "$path" "$copy" && ! is_writable "$path"; then
      systemctl is-active --quiet pve-firewall.service && stopped=1
      systemctl stop pve-firewall.service
      until is_writable "$path"; do sleep 1; done
    fi
    if is_confirmed "$path" "$copy"; then confirmed=1; break; fi ;;
  file)
    if cmp -s "$1/$copy" "$path" || is_foreign "$path" "$known"; then continue; fi
    cat "$1/$copy" >"$path.$own" && mv -f "$path.$own" "$path" || failed=1 ;;
  absent)
    if [ ! -e "$path" ] || is_foreign "$path" "$known"; then continue; fi
    rm -f "$path" || failed=1 ;;
  stopped) systemctl stop pve-firewall.service && stopped=0 || failed=1 ;;
  esac
done <"$1/manifest"
[ "$stopped" = 0 ] || systemctl start pve-firewall.service || failed=1
[ "$failed" = 0 ] || exit 1
[ -z "$left" ] || echo "changed by somebody else since:$left"
rm -f ${undoPaths.wantedAtBoot} ${undoPaths.bootUnit} || exit 1
[ "$confirmed" = 1 ] || echo "restored$left" >"$1/restored"
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

/** What an undo in a cluster knows besides. */
export interface SharedUndo {
  /** Later changes have higher numbers. */
  readonly number: number;
  /** By path, the digests of what may be replaced: the candidates. */
  readonly known: ReadonlyMap<string, readonly string[]>;
}

/** What stands for a file that is not there. */
export const absentDigest = "absent";

/** Everything that the undo needs: the current files, or their absence. Only root may read it. */
export function undoFiles(
  paths: readonly string[],
  files: ReadonlyMap<string, FileState>,
  daemonRuns: boolean,
  shared?: SharedUndo,
): readonly FileWrite[] {
  const copies = paths.flatMap((path, at): readonly FileWrite[] => {
    const file = files.get(path);
    return file === undefined ? [] : [{ path: `${undoDirectory}/copy-${at}`, text: file.text, mode: "600" }];
  });
  const steps = paths.map((path, at) => {
    const digests = shared === undefined ? "" : ` ${(shared.known.get(path) ?? []).join(",")}`;
    return `${files.has(path) ? `file copy-${at}` : "absent -"} ${path}${digests}`;
  });
  const first = shared === undefined ? [] : [`cluster ${shared.number} ${undoPaths.confirmed}`];
  const manifest = [...first, ...steps, ...(daemonRuns ? [] : ["stopped - -"])]
    .map((step) => `${step}\n`)
    .join("");
  return [
    ...copies,
    { path: undoPaths.manifest, text: manifest, mode: "600" },
    { path: undoPaths.script, text: restoreText, mode: "600" },
    { path: undoPaths.bootUnit, text: bootText, mode: "644" },
  ];
}

/** A step of a manifest: a path with its copy, a path to remove, the number of a cluster's change, or neither to stop the daemon. */
export interface ManifestStep {
  readonly path?: string;
  readonly copy?: string;
  /** The digests of what may be replaced; absent for anything. */
  readonly known?: readonly string[];
  readonly cluster?: number;
}

export function manifestSteps(text: string): readonly ManifestStep[] {
  return text.split("\n").flatMap((line): readonly ManifestStep[] => {
    const [step, copy = "", path = "", digests] = line.split(" ");
    const known = digests === undefined ? {} : { known: digests.split(",") };
    if (step === "file") return [{ path, copy: `${undoDirectory}/${copy}`, ...known }];
    if (step === "absent") return [{ path, ...known }];
    if (step === "cluster") return [{ cluster: Number(copy) }];
    return step === "stopped" ? [{}] : [];
  });
}
