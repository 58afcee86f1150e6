/** What `systemctl show` says of a unit. */

export interface UnitState {
  readonly installed: boolean;
  readonly active: boolean;
  /** Starts at boot. */
  readonly enabled: boolean;
}

/** Reads `systemctl show UNIT --property=LoadState,ActiveState,UnitFileState`; a property that is missing counts as no. */
export function unitState(text: string): UnitState {
  const lines = text.split("\n");
  return {
    installed: lines.includes("LoadState=loaded"),
    active: lines.includes("ActiveState=active"),
    enabled: lines.includes("UnitFileState=enabled"),
  };
}
