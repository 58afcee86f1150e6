/** The components, in the order that plans and results show them. */
import type { Component } from "../component.ts";
import { certificates } from "./certificates/index.ts";
import { dns } from "./dns/index.ts";
import { firewall } from "./firewall/index.ts";
import { nginx } from "./nginx/index.ts";
import { portainer } from "./portainer/index.ts";
import { stacks } from "./stacks/index.ts";
import { traefik } from "./traefik/index.ts";
import { trust } from "./trust/index.ts";

export const components: readonly Component[] = [
  trust,
  dns,
  firewall,
  certificates,
  portainer,
  traefik,
  nginx,
  stacks,
];
