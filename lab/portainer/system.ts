/** Status, version, settings and the server's own certificate. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { json } from "../api-server.ts";
import { type Call, invalidPayload, noContent, Problem, payloadOf, type Route, textOf } from "./call.ts";
import { servedPair } from "./process.ts";
import { shortestPassword } from "./users.ts";

export const systemRoutes: readonly Route[] = [
  { method: "GET", pattern: /^\/(?:system\/)?status$/, access: "public", act: status },
  { method: "GET", pattern: /^\/(?:system|status)\/version$/, access: "user", act: version },
  { method: "GET", pattern: /^\/system\/info$/, access: "user", act: info },
  { method: "GET", pattern: /^\/settings\/public$/, access: "public", act: publicSettings },
  { method: "GET", pattern: /^\/settings$/, access: "user", act: settings },
  { method: "PUT", pattern: /^\/settings$/, access: "user", act: updateSettings },
  { method: "GET", pattern: /^\/ssl$/, access: "user", act: certificate },
  { method: "PUT", pattern: /^\/ssl$/, access: "user", act: updateCertificate },
];

function status({ process }: Call) {
  return json(200, { Version: process.features.version, InstanceID: process.database.read().instanceId });
}

function version({ process }: Call) {
  const { version: own } = process.features;
  return json(200, {
    UpdateAvailable: false,
    LatestVersion: own,
    ServerVersion: own,
    ServerEdition: "CE",
    DatabaseVersion: own,
  });
}

function info({ process }: Call) {
  const agents = process.database.read().endpoints.filter(({ Type }) => Type === 2).length;
  return json(200, { platform: "Docker Standalone", edgeAgents: 0, agents });
}

function publicSettings() {
  return json(200, {
    RequiredPasswordLength: shortestPassword,
    AuthenticationMethod: 1,
    EnableEdgeComputeFeatures: false,
  });
}

function settings({ process }: Call) {
  return json(200, {
    AuthenticationMethod: 1,
    UserSessionTimeout: process.database.read().settings.sessionTimeout,
    SnapshotInterval: "5m",
  });
}

function updateSettings(call: Call) {
  const { database } = call.process;
  const timeout = textOf(payloadOf(call)("UserSessionTimeout"));
  if (timeout !== "" && !/^(\d+[hms])+$/.test(timeout)) throw invalidPayload("Invalid user session timeout");
  if (timeout !== "") database.write({ settings: { ...database.read().settings, sessionTimeout: timeout } });
  return settings(call);
}

function certificate({ process }: Call) {
  return json(200, {
    certPath: `/data/${servedPair.cert}`,
    keyPath: `/data/${servedPair.key}`,
    selfSigned: false,
    httpEnabled: process.database.read().settings.http,
  });
}

/** Stores a new pair and starts the process anew: all tokens die. Nothing given, nothing done. */
function updateCertificate(call: Call) {
  const { database, directory, restart } = call.process;
  const payload = payloadOf(call);
  const [cert, key, http] = [textOf(payload("Cert")), textOf(payload("Key")), payload("HTTPEnabled")];
  if ((cert === "") !== (key === ""))
    throw invalidPayload("Both certificate and key files should be provided");
  if (cert !== "") {
    try {
      if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
        throw new Error("private key does not match public key");
    } catch (error) {
      throw new Problem(
        500,
        "Failed to save certificate",
        error instanceof Error ? error.message : String(error),
      );
    }
    for (const [path, text] of [
      [servedPair.cert, cert],
      [servedPair.key, key],
    ] as const) {
      const file = join(directory, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: 0o600 });
    }
  }
  if (typeof http === "boolean") database.write({ settings: { ...database.read().settings, http } });
  if (cert !== "" || typeof http === "boolean") restart();
  return noContent;
}
