/** The scripts of the host code and the components, acted out by name. Each says in its own file what it takes and prints. */
import type { Program } from "../parts.ts";
import { dnsmasqTest } from "./dnsmasq-test.ts";
import { dockerApi } from "./docker-api.ts";
import { list, readFiles, remove } from "./files.ts";
import { firewallRestore } from "./firewall-restore.ts";
import { keepalivedTest } from "./keepalived-test.ts";
import { lock } from "./lock.ts";
import { makeDirectory } from "./make-directory.ts";
import { nginxTest } from "./nginx-test.ts";
import { readableBy } from "./readable-by.ts";
import { remote } from "./remote.ts";
import { resolve } from "./resolve.ts";
import { taskProbe } from "./task-probe.ts";
import { tcpProbe } from "./tcp-probe.ts";
import { writeFiles } from "./write-files.ts";

export const scripts: Readonly<Record<string, Program>> = {
  "read-files": readFiles,
  "write-files": writeFiles,
  "make-directory": makeDirectory,
  list,
  remove,
  lock,
  "docker-api": dockerApi,
  "dnsmasq-test": dnsmasqTest,
  "nginx-test": nginxTest,
  "keepalived-test": keepalivedTest,
  "firewall-restore": firewallRestore,
  "tcp-probe": tcpProbe,
  "task-probe": taskProbe,
  "readable-by": readableBy,
  remote,
  resolve,
};
