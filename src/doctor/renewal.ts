/** Whether the timer that syncs comes often enough for the lifetimes that Step-CA gives. */
import { parseDuration } from "../formats/go/values.ts";
import { membersOf, objectsOf, parseJson } from "../formats/json/index.ts";
import type { CertificateAuthority } from "../model.ts";
import { asked, type Finding, hypervisorIf, line, type Prerequisite, prerequisite } from "./prerequisite.ts";

const timer = "phoenix-sync.timer";

/** A certificate is renewed in the last third of its life: a sync each day finds it there when that is a day long. Hours. */
const leastHours = 72;

/** What Step-CA gives where its configuration names no duration (0.19 to 0.30). */
const usual = "24h";

interface RenewalAnswer {
  /** Of `systemctl show phoenix-sync.timer`. */
  readonly timer: string;
  /** The CA's ca.json; undefined where it is not in a known place. */
  readonly configuration: string | undefined;
}

/** Silent where the timer is off, comes more than once a day, or where nobody knows what the CA gives. */
export function judgeRenewal(
  { timer: shown, configuration }: RenewalAnswer,
  provisioner: string,
): readonly Finding[] {
  const times = [...shown.matchAll(/OnCalendar=(.*?) ;/g)].map(([, time = ""]) => time);
  const isDaily = times.length === 1 && /^\*-\*-\* \d\d:\d\d:\d\d$/.test(times[0] ?? "");
  if (!isDaily || !/^ActiveState=active$/m.test(shown) || configuration === undefined) return [];
  const authority = membersOf(membersOf(parseJson(configuration)).authority);
  const own = objectsOf(authority.provisioners).find(({ name }) => name === provisioner);
  if (own === undefined) return [];
  const claims = { ...membersOf(authority.claims), ...membersOf(own.claims) };
  const lifetime = String(claims.defaultTLSCertDuration ?? usual);
  const hours = (parseDuration(lifetime) ?? Number.POSITIVE_INFINITY) / 3.6e12;
  if (hours >= leastHours) return [];
  const directory = `/etc/systemd/system/${timer}.d`;
  const steps = [
    `mkdir -p ${directory}`,
    `printf '[Timer]\\nOnCalendar=hourly\\n' >${directory}/hourly.conf`,
    "systemctl daemon-reload",
    `systemctl restart ${timer}`,
  ];
  return [
    {
      message: `certificates of the CA live ${lifetime}, and ${timer} comes once a day: they end before they are renewed`,
      fix: { argv: line(steps.join(" && ")) },
      isWarning: true,
    },
  ];
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
  must: `a timer that syncs once a day has certificates that live ${leastHours} hours or more; less is a warning`,
  asked: `\`systemctl show ${timer}\`, the CA's \`ca.json\``,
  remedy: "a drop-in with `OnCalendar=hourly`, or a longer `defaultTLSCertDuration` in `ca.json`",
  machines: hypervisorIf(
    ({ ca, roles, certificates }) => ca !== undefined && roles.ca !== undefined && certificates.length > 0,
  ),
  ask: async ({ host, io, site: { ca, roles } }) => {
    const { stdout } = await asked(host, "systemctl", "show", timer, "--property=ActiveState,TimersCalendar");
    if (ca === undefined || roles.ca === undefined || !stdout.includes("OnCalendar="))
      return { timer: stdout, configuration: undefined };
    const files = await io.host(roles.ca.host).readFiles(configurationsOf(ca, roles.ca.host));
    const [found] = files.values();
    return { timer: stdout, configuration: found?.text };
  },
  judge: (answer, { site }) => judgeRenewal(answer, site.ca?.provisioner ?? ""),
});
