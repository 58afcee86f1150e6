/** Users and groups of a lab host, by the host's own /etc/passwd and /etc/group. Pure. */

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export const root: Account = { uid: 0, gid: 0 };

/** As Debian has them, for the owners that certificates and configurations use. */
export const passwdText = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
step:x:998:998::/etc/step-ca:/usr/sbin/nologin
traefik:x:997:997::/etc/traefik:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;

export const groupText = `root:x:0:
daemon:x:1:
adm:x:4:
www-data:x:33:
backup:x:34:
ssl-cert:x:110:
step:x:998:
traefik:x:997:
docker:x:996:
nogroup:x:65534:
`;

/** "user:group" by name; "UNKNOWN" where there is none, as stat(1) prints it. */
export function accountNames({ uid, gid }: Account, passwd: string, group: string): string {
  return `${nameOf(uid, passwd)}:${nameOf(gid, group)}`;
}

/**
 * What chown(1) makes of "user:group", "user" or numbers.
 * @returns the account, or chown's complaint
 */
export function accountOf(spec: string, passwd: string, group: string): Account | string {
  const [user = "", groupName] = spec.split(":");
  const uid = user === "" ? 0 : numberOf(user, passwd);
  if (uid === undefined) return `invalid user: ‘${spec}’`;
  const gid = groupName === undefined || groupName === "" ? 0 : numberOf(groupName, group);
  if (gid === undefined) return `invalid group: ‘${spec}’`;
  return { uid, gid };
}

function nameOf(id: number, table: string): string {
  return entries(table).find(([, number]) => number === id)?.[0] ?? "UNKNOWN";
}

function numberOf(name: string, table: string): number | undefined {
  const known = entries(table).find(([each]) => each === name)?.[1];
  return known ?? (/^\d+$/.test(name) ? Number(name) : undefined);
}

function entries(table: string): readonly (readonly [string, number])[] {
  return table.split("\n").flatMap((line) => {
    const [name, , id] = line.split(":");
    return name === undefined || id === undefined ? [] : [[name, Number(id)] as const];
  });
}
