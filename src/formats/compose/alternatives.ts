/** Keys that need other files than the one that Portainer gets. */
import type { ComposeFault, Place } from "./document.ts";

const alternatives = {
  build: "use an image that exists",
  include: "put the included services into it",
  extends: "use an anchor (&name, *name), or write the service in full",
};

export function refused(key: keyof typeof alternatives, place: Place): ComposeFault {
  const hint = `Portainer gets this file alone: ${alternatives[key]}`;
  return { message: `${key} cannot be used in a stack`, place, hint };
}
