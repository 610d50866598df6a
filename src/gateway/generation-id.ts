const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 20;
/** The largest multiple of the alphabet's size within a byte: above it a byte is thrown away, so that every letter is equally likely. */
const FAIR = 248;

/** `gen-<unix seconds>-<20 alphanumerics>`: not guessable, because knowing it is enough to read a record of the account. */
export class GenerationIds {
  readonly #pool = new Uint8Array(4096);
  #used = this.#pool.length;

  next(now: number): string {
    let id = '';
    while (id.length < LENGTH) {
      const byte = this.#randomByte();
      if (byte < FAIR) id += ALPHABET[byte % ALPHABET.length];
    }
    return `gen-${Math.floor(now / 1000)}-${id}`;
  }

  #randomByte(): number {
    if (this.#used === this.#pool.length) {
      crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    const byte = this.#pool[this.#used] ?? 0;
    this.#used += 1;
    return byte;
  }
}
