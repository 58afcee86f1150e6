/** The client of Portainer: readiness, the administrator, logging in. */
import { beforeEach, describe, expect, test } from "vitest";
import { NotReadyError, TransportError } from "../../src/errors.ts";
import { Secret } from "../../src/secret.ts";
import {
  changes,
  closeAfterEach,
  failure,
  file,
  logins,
  now,
  open,
  password,
  start,
} from "./portainer-fixture.ts";

closeAfterEach();

describe("status and the administrator", () => {
  beforeEach(() => start({}, false));

  test("it tells its version, and whether there is an administrator", async () => {
    expect(await now.client.status()).toEqual({ state: "up", version: "2.23.0" });
    expect(await now.client.adminExists()).toBe(false);
    await now.client.createAdmin("admin", new Secret(password));
    await now.client.createAdmin("admin", new Secret("another long password"));
    expect(await now.client.adminExists()).toBe(true);
    await now.client.login();
    expect(changes()).toEqual(["POST /api/users/admin/init", "POST /api/users/admin/init"]);
  });

  test("weather is a value", async () => {
    now.network.intercept = () => {
      throw new TransportError("portainer", "connection refused");
    };
    expect(await now.client.status()).toEqual({ state: "down", reason: "connection refused" });
    expect(now.network.asked).toHaveLength(1);
    const rootless = open({ root: () => Promise.reject(new NotReadyError("no root yet")) });
    expect(await rootless.status()).toEqual({ state: "down", reason: "no root yet" });
    now.network.intercept = () => ({ status: 502, headers: {}, text: "<html>" });
    expect(await now.client.status()).toMatchObject({ state: "down" });
  });

  test("after five minutes without an administrator only a restart helps", async () => {
    now.lab.context.advance(5 * 60_000);
    expect(await now.client.status()).toEqual({ state: "timed-out" });
    expect(await failure(now.client.adminExists())).toMatchObject({
      status: 303,
      hint: expect.stringContaining("restart its container"),
    });
    await now.lab.run("vm/1001", "restart portainer_server");
    expect(await now.client.status()).toMatchObject({ state: "up" });
  });

  test("a short password is refused in Portainer's words, which hold none", async () => {
    const error = await failure(now.client.createAdmin("admin", new Secret("tooshort")));
    expect(error.message).toBe(
      "Portainer did not create its administrator admin: Password does not meet the requirements",
    );
  });
});

describe("logging in", () => {
  test("once for the whole run, also for calls side by side", async () => {
    await start();
    await Promise.all([now.client.environments(), now.client.stacks(), now.client.login()]);
    await now.client.stacks();
    expect(logins()).toBe(1);
    for (const { headers } of now.network.requests) expect(headers).not.toHaveProperty("cookie");
  });

  test("again when the token died, once for all calls", async () => {
    await start();
    await now.client.login();
    now.lab.context.breaks("expired-token", "portainer");
    await Promise.all([now.client.stacks(), now.client.environments(), now.client.stacks()]);
    expect(logins()).toBe(2);
    now.lab.context.mend();
    await now.lab.run("vm/1001", "restart portainer_server");
    await now.client.stacks();
    expect(logins()).toBe(3);
  });

  test("a wrong password is named as such, and not tried again and again", async () => {
    await start();
    const other = open({ password: "some other password" });
    const error = await failure(other.login());
    expect(error).toMatchObject({
      status: 422,
      message: "Portainer did not log admin in: Invalid credentials",
    });
    expect(error.hint).toBe(
      "the configured password is not the stored one: `phoenix portainer reset-password` sets it",
    );
    expect(logins()).toBe(1);
  });

  test("the limit on logins is explained", async () => {
    await start();
    for (let at = 0; at < 10; at += 1) await open().login();
    expect(await failure(open().login())).toMatchObject({
      status: 403,
      hint: expect.stringContaining("an hour"),
    });
  });

  test("a read is tried again while Portainer restarts, a change is not", async () => {
    await start();
    await now.client.login();
    let broken = 2;
    now.network.intercept = () => {
      if (broken > 0) {
        broken -= 1;
        throw new TransportError("portainer", "connection refused");
      }
      return undefined;
    };
    const stacks = await now.client.stacks();
    expect(stacks).toEqual([]);
    broken = 1;
    expect(await failure(now.client.removeContainer(1, "abc"))).toBeInstanceOf(TransportError);
  });
});

describe("the first administrator of newer versions", () => {
  test("needs a token unless the server made it from a file", async () => {
    await start({ version: "2.45.0" }, false);
    expect(await failure(now.client.createAdmin("admin", new Secret(password)))).toMatchObject({
      status: 403,
      hint: expect.stringContaining("--admin-password-file"),
    });
    await now.lab.context.close();
    await start({ version: "2.45.0", command: "--admin-password-file /etc/portainer/password" }, false);
    expect(await now.client.adminExists()).toBe(true);
    await open({ password: "the admin's own password" }).login();
  });
});

test("no error and no request's address shows a password or token", async () => {
  await start();
  await now.client.login();
  const errors = [
    await failure(open({ password: "some other password" }).login()),
    await failure(
      now.client.createStack(99, { name: "x", file, env: [{ name: "KEY", value: "s3cr3t-value" }] }),
    ),
  ];
  for (const { message, hint } of errors)
    expect(`${message} ${hint}`).not.toMatch(/password [a-z]*word|s3cr3t|eyJ/);
  for (const { url } of now.network.requests) expect(url).not.toMatch(/password|eyJ/);
});
