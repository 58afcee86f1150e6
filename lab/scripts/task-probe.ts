/** task-probe of src/components/portainer/agent-tasks.ts: connections from inside a task's container, over its overlay networks. */
import { connectFromTask } from "../docker/swarm/overlay.ts";
import { done, failed, type Program } from "../parts.ts";

export const taskProbe: Program = async ({ context, host, args: [container = "", ...ends] }) => {
  const lines: string[] = [];
  for (const end of ends) {
    const seen = await connectFromTask(context, host, container, end.split(":")[0] ?? "");
    lines.push(seen === "open" ? "answers" : "silent");
  }
  return container === ""
    ? failed(1, "Error: no such object: ")
    : done(lines.map((line) => `${line}\n`).join(""));
};
