/** Giving the administrator the configured password when nobody knows the stored one. */
import type { Io } from "../../component.ts";
import { CandidateError, CommandError } from "../../errors.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Host } from "../../hosts/host.ts";
import type { Portainer } from "../../model.ts";
import { waitForServer } from "./api.ts";
import { commands } from "./commands.ts";
import { declaredServer, paths } from "./compile.ts";
import { inspect, provideImage } from "./container.ts";
import { passwordFiles, writePrivate } from "./secrets.ts";

/** Portainer's own helper. It writes into the database of a stopped server (2.0 to 2.45). */
const helperImage = "portainer/helper-reset-password:latest";

/** What a reset stops, for people who are asked whether they want that. */
export function resetWarning({ guest, adminUser, ...portainer }: Portainer): readonly string[] {
  const { container } = declaredServer({ guest, adminUser, ...portainer });
  return [
    `This stops Portainer on ${guest.host} (container ${container}) for about a minute, to reset the password of ${adminUser}.`,
    "Meanwhile its user interface and API do not answer, and everybody is logged out. Agents and stacks run on.",
  ];
}

/**
 * Stops the server, lets Portainer's helper give the administrator a password that it makes up, starts the server, and
 * replaces that password by the configured one. After an interruption the next sync goes on from the password in between.
 * @throws CandidateError before anything was stopped; CommandError, ApiError
 */
export async function resetPassword(portainer: Portainer, io: Io): Promise<void> {
  const { adminUser, adminPassword, apiKey, guest } = portainer;
  if (adminPassword === undefined || apiKey !== undefined)
    throw new CandidateError("the site uses an API key of Portainer's, not the administrator's password", {
      hint: "give portainer_api.admin_password, and no api_key while the password is reset",
    });
  const host = io.host(guest.host);
  const { container } = declaredServer(portainer);
  if (container === "" || (await inspect(host, container)) === undefined)
    throw new CandidateError(`Portainer does not run on ${guest.host}: there is no password to reset`, {
      hint: "`phoenix sync portainer` creates it with the configured one",
    });
  await provideImage(host, helperImage);
  await host.expect(commands.stop(container));
  io.activated({ kind: "restart", unit: container, host: guest.host });
  try {
    await resetIn(host, container, adminUser);
  } finally {
    await host.expect(commands.start(container));
  }
  await waitForServer(io, portainer);
  await io.apis.portainer.rotatePassword();
  await io.apis.portainer.login();
  await writePrivate(host, passwordFiles(portainer));
}

/** Keeps what the helper made up where the next login looks for the password that worked last. */
async function resetIn(host: Host, container: string, adminUser: string): Promise<void> {
  const { exitCode, stdout, stderr } = await host.run(commands.resetPassword(container, helperImage));
  const printed = `${stdout}\n${stderr}`;
  const [, password] = /Use the following password to login: (\S.*?)\s*$/m.exec(printed) ?? [];
  if (exitCode !== 0 || password === undefined) {
    const reason = password === undefined ? lastLines(printed) : `exit ${exitCode}`;
    throw new CommandError(host.name, exitCode, `Portainer's helper did not reset the password: ${reason}`, {
      hint: `its database must be in a volume of ${container} at /data`,
    });
  }
  await writePrivate(host, [
    { path: paths.adminPassword, text: `${password}\n`, mode: "600", owner: "root:root" },
  ]);
  const [, user = adminUser] = /(?:updated for user:|Admin user) (\S+)/.exec(printed) ?? [];
  if (user === adminUser) return;
  throw new CommandError(host.name, 1, `Portainer's administrator is ${user}, not ${adminUser}`, {
    hint: `set portainer_api.admin_user to ${user}; \`phoenix sync portainer\` then sets the configured password`,
  });
}
