/** The shapes of `notices` and `metrics` in etc/phoenix_hypervisor_config.json. */
import { noticeEvents, noticeTypes } from "../../notice.ts";
import { anyText, choice, either, list, object, since, text } from "./shape.ts";

const reference = "a secret: env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND.";

const noticeShape = object("a notice", ["type"], {
  type: choice(noticeTypes, "What is told: ntfy, gotify, discord, slack, any other webhook, or mail."),
  name: text("Its name in messages, unique. Default: the type."),
  url: anyText(
    `The server of ntfy or Gotify; for Discord, Slack and a webhook the whole address, ${reference} Default: https://ntfy.sh for ntfy.`,
  ),
  topic: anyText(`The topic of ntfy, or ${reference} Default: the path of the URL.`),
  token: anyText(`The access token of ntfy, Gotify or a webhook, ${reference}`),
  to: either("The addresses that mail goes to.", list(text()), text()),
  from: text("The address that mail comes from. Default: what sendmail uses."),
  events: list(choice(noticeEvents), "Changes of state that are told. Default: all of them."),
});

export const noticesShape = since(
  "0.3",
  list(noticeShape, "Who is told, once for each change of state, by the runs of the timers."),
);

export const metricsShape = since(
  "0.3",
  object("the metrics", ["directory"], {
    directory: text(
      "The directory of node_exporter's textfile collector on the hypervisor: /var/lib/prometheus/node-exporter.",
    ),
  }),
);
