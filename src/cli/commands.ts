/** Every command, in the order that help shows them in. */
import { certsCommands } from "./certs.ts";
import { checkCommand } from "./check.ts";
import type { CommandDefinition } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { dashboardCommand } from "./dashboard.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { explainCommand } from "./explain.ts";
import { historyCommand } from "./history.ts";
import { importCommand } from "./import.ts";
import { initCommand } from "./init.ts";
import { labCommands } from "./lab.ts";
import { noticesTestCommand } from "./notices.ts";
import { planCommand } from "./plan.ts";
import { portainerResetCommand } from "./portainer.ts";
import { rollbackCommand } from "./rollback.ts";
import { schemaCommand } from "./schema.ts";
import { statusCommand } from "./status.ts";
import { syncCommand } from "./sync.ts";
import { traceCommand } from "./trace.ts";
import { unattendedCommands } from "./unattended.ts";
import { verifyCommand } from "./verify.ts";
import { whyCommand } from "./why.ts";

export const commands: readonly CommandDefinition[] = [
  initCommand,
  checkCommand,
  doctorCommand,
  planCommand,
  syncCommand,
  verifyCommand,
  statusCommand,
  ...certsCommands,
  ...unattendedCommands,
  whyCommand,
  traceCommand,
  dashboardCommand,
  historyCommand,
  diffCommand,
  rollbackCommand,
  importCommand,
  noticesTestCommand,
  portainerResetCommand,
  explainCommand,
  ...labCommands,
  schemaCommand,
  completionCommand,
];
