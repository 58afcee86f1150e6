/** Lab hosts keep the host contract: the hypervisor, a container and a virtual machine. */
import { newLab, opened } from "../lab/open.ts";
import { hostContract } from "./host.ts";

for (const name of ["pve", "lxc/102", "vm/1002"] as const) {
  hostContract(
    `lab ${name}`,
    async () => {
      const host = (await opened(await newLab())).host(name);
      await host.expect({ argv: ["mkdir", "-p", "/srv/contract"], effect: "change" });
      return { host, directory: "/srv/contract" };
    },
    { shell: false },
  );
}
