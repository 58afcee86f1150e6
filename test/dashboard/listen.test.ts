/** Where the dashboard listens: loopback as it is, anywhere else by a certificate of the site's own CA. */
import { request } from "node:https";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { selfSigned } from "../../lab/self-signed.ts";
import { certifiedFor, isLoopback, listeningAt, refuseUnfit } from "../../src/dashboard/listen.ts";
import { startServer } from "../../src/dashboard/server.ts";
import type { Site } from "../../src/model.ts";
import { loadSite } from "../../src/site/load.ts";
import { sampleDocument } from "./sample.ts";

test.each([
  ["127.0.0.1:8417", "127.0.0.1", 8417, true],
  ["localhost:0", "127.0.0.1", 0, true],
  ["[::1]:80", "::1", 80, true],
  ["10.0.0.13:8417", "10.0.0.13", 8417, false],
  ["0.0.0.0:8417", "0.0.0.0", 8417, false],
  ["[::]:8417", "::", 8417, false],
] as const)("%s", (text, address, port, isOwn) => {
  expect(listeningAt(text)).toEqual({ address, port });
  expect(isLoopback(address)).toBe(isOwn);
});

test.each(["8417", ":8417", "127.0.0.1", "127.0.0.1:99999", "pve:8417", "::1:8417", "127.0.0.1:x", ""])(
  '"%s" is a usage error',
  (text) => expect(() => listeningAt(text)).toThrow("--listen must be ADDRESS:PORT"),
);

describe("elsewhere than on loopback", async () => {
  const { site } = (await loadSite(join(import.meta.dirname, "../../examples/homelab"))) as { site: Site };

  test("an address of the manifest is used, or a name that leads to it", () => {
    const { certificate, name } = certifiedFor(site, "192.168.40.30");
    expect([certificate.commonName, name]).toEqual(["portainer.oak.home.arpa", "192.168.40.30"]);
    const ofName = certifiedFor(site, "192.168.40.11");
    expect([ofName.certificate.commonName, ofName.name]).toEqual([
      "mesh.oak.home.arpa",
      "mesh.oak.home.arpa",
    ]);
  });

  test.each(["0.0.0.0", "192.168.40.2", "::"])("%s, which no certificate has, is refused", (address) => {
    expect(() => certifiedFor(site, address)).toThrow(
      `refused: the dashboard does not listen on ${address} without TLS`,
    );
  });

  test("a pair that another CA issued, or that is incomplete, is refused", async () => {
    const certified = certifiedFor(site, "192.168.40.30");
    const own = await selfSigned(["portainer.oak.home.arpa"]);
    const root = (await selfSigned(["the site's root"])).cert;
    const judge = (cert: string | undefined, key: string | undefined) => () =>
      refuseUnfit(certified, { cert, key }, root, Date.now());
    expect(judge(own.cert, own.key)).toThrow("it was not issued by the site's CA");
    expect(judge(undefined, own.key)).toThrow("its file is missing");
    expect(judge(own.cert, undefined)).toThrow("its key is missing or is another's");
    expect(judge(own.cert, (await selfSigned(["x"])).key)).toThrow("its key is missing or is another's");
  });

  test("the page is served over TLS, and its cookie never goes over plain HTTP", async () => {
    const keyPair = await selfSigned(["dashboard.example"]);
    const server = await startServer({
      assets: { script: "", style: "" },
      address: "127.0.0.1",
      port: 0,
      names: ["dashboard.example"],
      shown: "dashboard.example",
      keyPair,
    });
    server.show(sampleDocument());
    const { hostname, port, search } = new URL(server.url);
    expect(hostname).toBe("dashboard.example");
    const options = { host: "127.0.0.1", port, rejectUnauthorized: false, headers: { host: hostname } };
    const cookie = await new Promise<string>((resolve, reject) => {
      request({ ...options, path: `/${search}` }, ({ headers }) => resolve(headers["set-cookie"]?.[0] ?? ""))
        .on("error", reject)
        .end();
    });
    expect(cookie).toMatch(/^__Host-phoenix=\S+; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    await server.close();
  });
});
