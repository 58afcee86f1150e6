/** What the lab's Portainer does beyond the contract: time, restarts, lost data (measured on 2.23). */
import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { LabDocker } from "../../lab/docker.ts";
import { startPortainer } from "../../lab/portainer/start.ts";
import { selfSigned } from "../../lab/self-signed.ts";
import {
  addAgent,
  call,
  closeAfterEach,
  createAdmin,
  logIn,
  make,
  minute,
  now,
  open,
  Password,
  restart,
  send,
} from "./portainer-driver.ts";

closeAfterEach();

describe("time", () => {
  test("without an administrator everything closes after five minutes, until a restart", async () => {
    await make();
    now.lab.context.advance(4 * minute);
    expect((await send("GET", "/api/users/admin/check")).status).toBe(404);
    now.lab.context.advance(minute);
    for (const path of ["/api/users/admin/check", "/api/system/status", "/api/nothing", "/api/status?x=1"]) {
      const { status, headers, body } = await send("GET", path);
      expect({ status, reason: headers["redirect-reason"], location: headers.location }).toEqual({
        status: 303,
        reason: "AdminInitTimeout",
      });
      expect(body.message).toBe("Administrator initialization timeout");
    }
    for (const path of ["/api/status", "/api/settings/public"])
      expect((await send("GET", path)).status).toBe(200);
    expect((await send("GET", "/")).headers.location).toBe("/timeout.html");
    await restart();
    expect((await send("GET", "/api/users/admin/check")).status).toBe(404);
  });

  test("ten quick logins pass, one more each second, and who goes on is out for an hour", async () => {
    await open();
    for (let at = 0; at < 9; at += 1) expect(await logIn()).toBe(200);
    // A slow machine earns some more meanwhile.
    for (let at = 0; at < 10 && (await logIn()) === 200; at += 1);
    expect(await logIn()).toBe(403);
    now.lab.context.advance(59 * minute);
    expect(await logIn()).toBe(403);
    now.lab.context.advance(2 * minute);
    expect(await logIn()).toBe(200);
    for (let at = 0; at < 30; at += 1) {
      now.lab.context.advance(1_000);
      expect(await logIn()).toBe(200);
    }
  });

  test("a token lives as long as the setting says when it is made", async () => {
    await open();
    now.lab.context.advance(7 * 60 * minute);
    expect((await call("GET", "/stacks")).status).toBe(200);
    await call("PUT", "/settings", { body: { UserSessionTimeout: "24h" } });
    now.lab.context.advance(2 * 60 * minute);
    expect((await call("GET", "/stacks")).status).toBe(401);
    await logIn();
    now.lab.context.advance(23 * 60 * minute);
    expect((await call("GET", "/stacks")).status).toBe(200);
  });
});

describe("restarts and data", () => {
  test("a restart ends all tokens, not API keys, and keeps everything else", async () => {
    await open();
    await addAgent();
    const { body } = await call("POST", "/users/1/tokens", {
      body: { password: Password, description: "key" },
    });
    await restart();
    expect((await call("GET", "/stacks")).status).toBe(401);
    const headers = { "x-api-key": body.rawAPIKey };
    expect((await send("GET", "/api/endpoints", { headers })).body).toMatchObject([{ Name: "apps", Id: 1 }]);
  });

  test("a new container over the same data is the same server; without its data it is a stranger to its agents", async () => {
    await open();
    await addAgent();
    const command =
      "run -d --name portainer_server -p 9443:9443 -v /persistent-storage/portainer:/data portainer/portainer-ce:2.23.0";
    await now.lab.run("vm/1001", "rm -f portainer_server");
    await expect(send("GET", "/api/status")).rejects.toThrow();
    await now.lab.run("vm/1001", command);
    expect(await logIn()).toBe(200);
    expect((await call("GET", "/endpoints/1/docker/_ping")).text).toBe("OK");
    await now.lab.run("vm/1001", "rm -f portainer_server");
    await now.lab.run("vm/1001", command.replace("storage/portainer", "storage/other"));
    expect((await send("GET", "/api/users/admin/check")).status).toBe(404);
    await createAdmin();
    await logIn();
    const refused = await addAgent();
    expect(refused).toMatchObject({
      status: 500,
      body: {
        message: "Unable to initiate communications with environment",
        details: "Agent already paired with another Portainer instance",
      },
    });
    await now.lab.run("vm/1002", "restart portainer_agent");
    // The failure used a number up.
    expect((await addAgent()).body).toMatchObject({ Id: 2 });
  });

  test("the administrator of a file is made once, and its password never changed by it", async () => {
    await make({ command: "--admin-password-file=/etc/portainer/password" });
    const auth = (password: string) =>
      send("POST", "/api/auth", { body: { Username: "admin", Password: password } });
    expect((await auth("the admin's own password")).status).toBe(200);
    now.lab.write("vm/1001", "/etc/portainer/password", "another one\n");
    await restart();
    expect((await auth("another one")).status).toBe(422);
    expect((await auth("the admin's own password")).status).toBe(200);
  });

  const served = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(
        { port: now.lab.portainer.port, host: "127.0.0.1", rejectUnauthorized: false },
        () => {
          resolve(socket.getPeerX509Certificate()?.subject ?? "");
          socket.destroy();
        },
      );
      socket.on("error", reject);
    });

  test("certificate files are read at a start, not when they change", async () => {
    const [first, second] = await Promise.all([
      selfSigned(["first.example.net"]),
      selfSigned(["second.example.net"]),
    ]);
    await make();
    const put = ({ cert, key }: typeof first) => {
      now.lab.write("vm/1001", "/etc/portainer/cert.pem", cert);
      now.lab.write("vm/1001", "/etc/portainer/key.pem", key);
    };
    put(first);
    await now.lab.run("vm/1001", "rm -f portainer_server");
    await now.lab.run(
      "vm/1001",
      "run -d --name portainer_server -p 9443:9443 -v /persistent-storage/portainer:/data -v /etc/portainer:/c portainer/portainer-ce --sslcert /c/cert.pem --sslkey /c/key.pem",
    );
    expect(await served()).toBe("CN=first.example.net");
    put(second);
    expect(await served()).toBe("CN=first.example.net");
    // Another process of the lab finds the same server.
    const other = await startPortainer(now.lab.context, "vm/1001", { name: "portainer_server" });
    await other.close();
    expect(await served()).toBe("CN=first.example.net");
    await restart();
    expect(await served()).toBe("CN=second.example.net");
    put({ cert: first.cert, key: second.key });
    await restart();
    expect(new LabDocker(now.lab.context, "vm/1001").container("portainer_server").state).toBe("exited");
  });

  test("a certificate is changed by the API, too, and ends all tokens", async () => {
    await open();
    const { cert, key } = await selfSigned(["new.example.net"]);
    expect((await call("PUT", "/ssl", { body: { Cert: cert } })).status).toBe(400);
    expect((await call("PUT", "/ssl", { body: { Cert: cert, Key: "none" } })).status).toBe(500);
    expect((await call("PUT", "/ssl", { body: {} })).status).toBe(204);
    expect((await call("GET", "/stacks")).status).toBe(200);
    expect((await call("PUT", "/ssl", { body: { Cert: cert, Key: key } })).status).toBe(204);
    expect(await served()).toBe("CN=new.example.net");
    expect((await call("GET", "/stacks")).status).toBe(401);
  });
});
