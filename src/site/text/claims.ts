/** Things that only one may have: ids, names, paths. */

/** Who claimed what first. */
export class Claims<Owner> {
  readonly #owners = new Map<string, Owner>();

  /** Claims `what` for `owner`; the owner of an earlier claim, if there is one. */
  take(what: string, owner: Owner): Owner | undefined {
    const first = this.#owners.get(what);
    if (first === undefined) this.#owners.set(what, owner);
    return first;
  }
}
