/** Whether the timers that renew certificates come often enough for the lifetimes that Step-CA gives. */
import { parseDuration } from "../formats/go/values.ts";
import { membersOf, objectsOf, parseJson } from "../formats/json/index.ts";
import type { CertificateAuthority } from "../model.ts";
import { asked, type Finding, hypervisorIf, line, type Prerequisite, prerequisite } from "./prerequisite.ts";

/** Each of them renews what is due. */
const timers = { certs: "phoenix-certs.timer", sync: "phoenix-sync.timer" } as const;

/** A certificate is renewed in the last third of its life: a timer that comes each day finds it there when that is a day long. Hours. */
const leastHours = 72;

/** What Step-CA gives where its configuration names no duration (0.19 to 0.30). */
const usual = "24h";

interface RenewalAnswer {
  /** Of `systemctl show`, by timer. */
  readonly shown: Readonly<Record<keyof typeof timers, string>>;
  /** The CA's ca.json; undefined where it is not in a known place. */
  readonly configuration: string | undefined;
}

/** Silent where no timer is on, where one comes more than once a day, or where nobody knows what the CA gives. */
export function judgeRenewal(
  { shown, configuration }: RenewalAnswer,
  provisioner: string,
): readonly Finding[] {
  const on = (["certs", "sync"] as const).filter((name) => /^ActiveState=active$/m.test(shown[name]));
  const [daily] = on;
  if (daily === undefined || !on.every((name) => isDaily(shown[name])) || configuration === undefined)
    return [];
  const authority = membersOf(membersOf(parseJson(configuration)).authority);
  const own = objectsOf(authority.provisioners).find(({ name }) => name === provisioner);
  if (own === undefined) return [];
  const claims = { ...membersOf(authority.claims), ...membersOf(own.claims) };
  const lifetime = String(claims.defaultTLSCertDuration ?? usual);
  const hours = (parseDuration(lifetime) ?? Number.POSITIVE_INFINITY) / 3.6e12;
  if (hours >= leastHours) return [];
  return [
    {
      message: `certificates of the CA live ${lifetime}, and ${timers[daily]} comes once a day: they end before they are renewed`,
      fix: { argv: daily === "certs" ? line(hourlyAgain) : ["systemctl", "enable", "--now", timers.certs] },
      isWarning: true,
    },
  ];
}

/** Takes the place of a drop-in that made the timer come once a day. */
const hourlyAgain = [
  `mkdir -p /etc/systemd/system/${timers.certs}.d`,
  `printf '[Timer]\\nOnCalendar=\\nOnCalendar=hourly\\n' >/etc/systemd/system/${timers.certs}.d/zz-hourly.conf`,
  "systemctl daemon-reload",
  `systemctl restart ${timers.certs}`,
].join(" && ");

function isDaily(shown: string): boolean {
  const times = [...shown.matchAll(/OnCalendar=(.*?) ;/g)].map(([, time = ""]) => time);
  return times.length === 1 && /^\*-\*-\* \d\d:\d\d:\d\d$/.test(times[0] ?? "");
}

/** Where `step ca init` puts the configuration beside the root certificate. */
function configurationsOf({ rootFiles }: CertificateAuthority, guest: string): readonly string[] {
  return rootFiles
    .filter(({ host, path }) => host === guest && path.includes("/certs/"))
    .map(({ path }) => path.replace(/\/certs\/[^/]+$/, "/config/ca.json"));
}

export const renewalRow: Prerequisite = prerequisite<RenewalAnswer>({
  id: "renewal-timer",
  parts: ["certificates"],
  where: "the hypervisor",
  must: `a timer that renews certificates once a day has some that live ${leastHours} hours or more; less is a warning`,
  asked: `\`systemctl show ${timers.certs}\` and \`${timers.sync}\`, the CA's \`ca.json\``,
  remedy: `\`systemctl enable --now ${timers.certs}\`, which comes every hour, or a longer \`defaultTLSCertDuration\` in \`ca.json\``,
  machines: hypervisorIf(
    ({ ca, roles, certificates }) => ca !== undefined && roles.ca !== undefined && certificates.length > 0,
  ),
  ask: async ({ host, io, site: { ca, roles } }) => {
    const [certs, sync] = await Promise.all(
      [timers.certs, timers.sync].map(async (timer) => {
        const { stdout } = await asked(
          host,
          "systemctl",
          "show",
          timer,
          "--property=ActiveState,TimersCalendar",
        );
        return stdout;
      }),
    );
    const shown = { certs: certs ?? "", sync: sync ?? "" };
    const isTimed = Object.values(shown).some((text) => text.includes("OnCalendar="));
    if (ca === undefined || roles.ca === undefined || !isTimed) return { shown, configuration: undefined };
    const files = await io.host(roles.ca.host).readFiles(configurationsOf(ca, roles.ca.host));
    const [found] = files.values();
    return { shown, configuration: found?.text };
  },
  judge: (answer, { site }) => judgeRenewal(answer, site.ca?.provisioner ?? ""),
});
