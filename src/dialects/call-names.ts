/** For wires whose calls may come without ids: results then belong to the oldest call of their name that has none yet (UP-021). */
export class CallNames {
  readonly #open: { id: string; name: string }[] = [];
  #made = 0;

  called(id: string | null | undefined, name: string): string {
    const own = id ?? `call_${this.#made++}_${name}`;
    this.#open.push({ id: own, name });
    return own;
  }

  /** @param name undefined where the wire says nothing: the oldest open call is meant */
  answered(id: string | null | undefined, name: string | undefined): string {
    const index = this.#open.findIndex((call) =>
      id == null ? name === undefined || call.name === name : call.id === id,
    );
    const [found] = index < 0 ? [] : this.#open.splice(index, 1);
    return id ?? found?.id ?? name ?? 'call';
  }
}
