/** Portainer's helper that gives the first administrator a new password (portainer/helper-reset-password). */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { hashPassword, openDatabase } from "./database.ts";
import type { ProcessFiles, ProcessStart } from "./process.ts";

export function isResetHelper(image: string): boolean {
  return /(^|\/)portainer\/helper-reset-password([:@]|$)/.test(image);
}

/** It needs the database for itself: the server must be stopped. */
export function resetPassword({ data, busy }: ProcessFiles): ProcessStart {
  const at = "2026/11/28 09:00:00";
  if (!existsSync(join(data, "portainer.db")))
    return { exitCode: 1, log: [`${at} Unable to locate /data/portainer.db on disk`] };
  if (busy === true) return { exitCode: 1, log: [`${at} Unable to open the database, err: timeout`] };
  const password = randomBytes(24).toString("base64");
  const database = openDatabase(data);
  const { users } = database.read();
  const [first] = users;
  const user = { ...(first ?? { id: 1, name: "admin", tokenIssueAt: 0 }), password: hashPassword(password) };
  database.write({ users: [user, ...users.slice(1)] });
  return {
    exitCode: 0,
    log: [
      first === undefined
        ? `${at} Admin user ${user.name} successfully created`
        : `${at} Password successfully updated for user: ${user.name}`,
      `${at} Use the following password to login: ${password}`,
    ],
  };
}
