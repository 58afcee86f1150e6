/** What no rollback brings back, by component. */
import type { ComponentName } from "../component.ts";

const limits: Readonly<Record<ComponentName, string>> = {
  trust: "the CA keeps the root that it has now: only the host's trust in it is rolled back",
  certificates:
    "keys and certificates that were issued since stay in use: they are issued again only where their names differ",
  portainer: "Portainer's database (users, settings, tokens) and the content of its volume stay as they are",
  stacks: "the content of volumes stays as it is, and an image tag means the image that it names today",
};

/** One clause; undefined where everything is rolled back. */
export function limitOf(component: ComponentName): string | undefined {
  return limits[component];
}
