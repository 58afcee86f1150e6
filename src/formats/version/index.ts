/** Versions as programs print them: "pve-manager/9.0.3/…", "Dnsmasq version 2.91  Copyright …", "nginx version: nginx/1.26.3". Pure. */

/** The first number with a dot in a text, part by part: [2, 26, 1] of "2.26.1-4". Undefined when there is none. */
export function versionIn(text: string): readonly number[] | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0].split(".").map(Number);
}

/** Whether a version is older than another one; parts that are not there are 0. */
export function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const length = Math.max(version.length, than.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (version[at] ?? 0) - (than[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** "2.26.1" */
export function versionText(version: readonly number[]): string {
  return version.join(".");
}
