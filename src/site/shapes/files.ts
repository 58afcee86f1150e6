/** The JSON files of a site, relative to its root, by the names of their schemas. */
export const siteFiles = {
  hypervisor: "etc/phoenix_hypervisor_config.json",
  lxc: "etc/phoenix_lxc_configs.json",
  vm: "etc/phoenix_vm_configs.json",
  certificates: "etc/certificate-manifest.json",
  stacks: "etc/phoenix_stacks_config.json",
} as const;
