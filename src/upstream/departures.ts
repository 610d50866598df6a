/**
 * Requests to providers leave together, once in each turn of the loop: Bun's HTTP thread is woken once for all that came in with one look
 * at the sockets, where one awakening each costs more than the rest of the call. A lone request waits for nothing but the turn's end.
 */
export class Departures {
  #next: Promise<void> | undefined;

  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#next = undefined;
        resolve();
      });
    });
    return this.#next;
  }
}
